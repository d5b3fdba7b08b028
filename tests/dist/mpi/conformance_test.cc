// The conformance suite with ranks as processes and with ranks that processes host as threads; run under mpirun. The
// former also in a world that cuts messages into very short chunks, at places that fit no element.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include "dist/mpi/channel.h"
#include "dist/world.h"
#include "tests/dist/conformance/suite.h"
#include "tests/dist/device/on_device.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::dist {

constexpr std::chrono::seconds kDeadline(120);

namespace {

using testing::conformance_cases;

class MpiConformance : public ::testing::TestWithParam<std::tuple<size_t, size_t>> {};

TEST_P(MpiConformance, Passes) {
  const auto& [chunk_bytes, index] = GetParam();
  const auto world = make_mpi_world({.deadline = kDeadline, .chunk_bytes = chunk_bytes});
  EXPECT_EQ(world->name(), "mpi");
  conformance_cases()[index].run(*world);
}

INSTANTIATE_TEST_SUITE_P(Chunks, MpiConformance,
                         ::testing::Combine(::testing::Values(CommunicatorOptions().chunk_bytes, size_t{1001}),
                                            ::testing::Range(size_t{0}, conformance_cases().size())),
                         [](const auto& instance) {
                           return conformance_cases()[std::get<1>(instance.param)].name + "_chunk_" +
                                  std::to_string(std::get<0>(instance.param));
                         });

// Devices of processes without a transport of their own.
class StagedMpiConformance : public ::testing::TestWithParam<size_t> {};

TEST_P(StagedMpiConformance, Passes) {
  const auto world = make_mpi_world({.deadline = kDeadline});
  testing::EmulatedDevice device;
  testing::OnDevice staged(make_staged_communicator(*world, device), device);
  EXPECT_EQ(staged.name(), "staged over mpi");
  conformance_cases()[GetParam()].run(staged);
}

INSTANTIATE_TEST_SUITE_P(Cases, StagedMpiConformance, ::testing::Range(size_t{0}, conformance_cases().size()),
                         [](const auto& instance) { return conformance_cases()[instance.param].name; });

// Four, five and seven ranks: as many as processes, twice as many, and cuts that are uneven.
class HostedConformance : public ::testing::TestWithParam<std::tuple<int, size_t>> {};

TEST_P(HostedConformance, Passes) {
  const auto& [ranks, index] = GetParam();
  std::atomic<int> ran = 0;
  const auto processes = make_mpi_world({.deadline = kDeadline});
  const auto body = [&](Communicator& communicator) {
    EXPECT_EQ(communicator.name(), processes->size() > 1 ? "mpi" : "local");
    EXPECT_EQ(communicator.size(), ranks);
    conformance_cases()[index].run(communicator);
    ++ran;
  };
  run_mpi_ranks(ranks, body, {.deadline = kDeadline});
  EXPECT_EQ(ran, ranks * (processes->rank() + 1) / processes->size() - ranks * processes->rank() / processes->size());
}

INSTANTIATE_TEST_SUITE_P(Ranks, HostedConformance,
                         ::testing::Combine(::testing::Values(4, 5, 7),
                                            ::testing::Range(size_t{0}, conformance_cases().size())),
                         [](const auto& instance) {
                           return conformance_cases()[std::get<1>(instance.param)].name + "_on_" +
                                  std::to_string(std::get<0>(instance.param));
                         });

TEST(MpiWorld, HasAsManyRanksAsMpirunStarted) {
  EXPECT_EQ(make_mpi_world({.deadline = kDeadline})->size(), std::atoi(std::getenv("OMPI_COMM_WORLD_SIZE")));
}

template <class E>
std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

TEST(MpiWorld, IsCheckedByOtherThreads) {
  const auto world = make_mpi_world({.deadline = kDeadline});
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) EXPECT_NO_THROW(world->check());
  });
  testing::conformance_all_to_all_v(*world);
  stop = true;
  other.join();
}

TEST(MpiWorld, WantsChunksThatMpiCanCount) {
  for (const size_t bytes : {size_t{0}, size_t{1} << 31})
    EXPECT_EQ(message_of<InvalidArgument>([&] { (void)make_mpi_world({.chunk_bytes = bytes}); }),
              str("[dist.make_mpi_world] wanted chunk_bytes between 1 and 2^31 - 1, got ", bytes));
}

TEST(MpiWorld, RunsOutOfTags) {
  const auto session = MpiSession::acquire(kDeadline);
  EXPECT_EQ(
      message_of<InvalidArgument>([&] { (void)Channel::of_processes(session, session->max_tag(), {}); }),
      str("[dist.split] this MPI library has tags up to ", session->max_tag(),
          ", a communicator of this world needs 2 of them and all have been used; split once and keep the result"));
}

TEST(MpiWorld, PassesOnWhatMpiSays) {
  EXPECT_EQ(message_of<CommunicationError>([] { check_mpi(MPI_ERR_TAG, "MPI_Isend"); }),
            "[dist.mpi] MPI_Isend failed: MPI_ERR_TAG: invalid tag");
  EXPECT_EQ(message_of<CommunicationError>([] { check_thread_level(MPI_THREAD_FUNNELED); }),
            "[dist.mpi] wanted MPI_THREAD_SERIALIZED, got level 1; use an MPI library built with thread support");
}

}  // namespace
}  // namespace polyscene::dist
