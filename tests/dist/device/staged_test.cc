// Ranks that share one device, over threads: the conformance suite, failures, and what the host waits for.
#include <gtest/gtest.h>

#include "dist/device/ordered_reduce.h"
#include "dist/world.h"
#include "tests/dist/conformance/suite.h"
#include "tests/dist/device/on_device.h"
#include "tests/dist/failure/scenario.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

void with_staged(dist::Communicator& host, const std::function<void(dist::Communicator&)>& body) {
  EmulatedDevice device;
  OnDevice staged(dist::make_staged_communicator(host, device), device);
  body(staged);
}

class StagedConformance : public ::testing::TestWithParam<size_t> {};

TEST_P(StagedConformance, Passes) {
  for (const int ranks : {1, 3}) {
    dist::run_local_ranks(ranks,
                          [](dist::Communicator& host) { with_staged(host, conformance_cases()[GetParam()].run); },
                          {.deadline = std::chrono::seconds(120)});
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, StagedConformance, ::testing::Range(size_t{0}, conformance_cases().size()),
                         [](const auto& instance) { return conformance_cases()[instance.param].name; });

TEST(StagedFailure, EndsAllRanks) {
  for (const std::string name : {"timeout_all_reduce", "throw_midway", "first_error_wins", "broken_stays_broken",
                                 "mismatch_of_lengths", "mismatch_of_pairwise_counts"}) {
    SCOPED_TRACE(name);
    scenario(name).check(run_on_local_ranks(scenario(name), with_staged));
  }
}

TEST(Staged, SaysWhatItIsStagedOver) {
  EmulatedDevice device;
  const auto world = dist::make_single_world();
  EXPECT_EQ(dist::make_staged_communicator(*world, device)->name(), "staged over local");
}

// The host waits for what it sends, and for nothing else.
TEST(Staged, WaitsOfTheHostAreCounted) {
  dist::run_local_ranks(2, [](dist::Communicator& host) {
    EmulatedDevice device;
    const auto staged = dist::make_staged_communicator(host, device);
    const auto memory = device.allocate(64, "a test");
    device.clear(memory.get(), 64);
    const std::span<float> data(static_cast<float*>(memory.get()), 16);
    const auto waits_of = [&](const auto& call) {
      const int64_t before = device.use().waits(HostWait::kResult);
      call();
      return device.use().waits(HostWait::kResult) - before;
    };
    EXPECT_EQ(waits_of([&] { staged->all_reduce(data); }), 1);
    EXPECT_EQ(waits_of([&] { staged->all_reduce(data.first(0)); }), 0);
    EXPECT_EQ(waits_of([&] { staged->broadcast(data, 0); }), host.rank() == 0 ? 1 : 0);
    EXPECT_EQ(waits_of([&] { (void)staged->exchange_counts(std::vector<int64_t>(2)); }), 0);
  });
}

TEST(OrderedReduce, AProgramWithoutKernelsSaysSo) {
  EXPECT_EQ(message_of<DeviceError>([] { ordered_reduce({}, DType::kFloat32, dist::ReduceOp::kSum, {}, nullptr); }),
            "[dist.nccl] sums in rank order want a kernel that this program was built without; configure with "
            "-DPOLYSCENE_CUDA=ON on a host with nvcc");
}

}  // namespace
}  // namespace polyscene::testing
