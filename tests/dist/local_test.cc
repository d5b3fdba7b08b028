// The conformance suite with ranks as threads.
#include <gtest/gtest.h>

#include <atomic>

#include "dist/world.h"
#include "ops/base/thread.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene {
namespace {

using testing::conformance_cases;
using testing::ConformanceCase;

class LocalConformance : public ::testing::TestWithParam<std::tuple<int, size_t>> {};

TEST_P(LocalConformance, Passes) {
  const auto& [ranks, index] = GetParam();
  run_local_ranks(ranks, conformance_cases()[index].run, {.deadline = std::chrono::seconds(120)});
}

INSTANTIATE_TEST_SUITE_P(Ranks, LocalConformance,
                         ::testing::Combine(::testing::Values(1, 2, 3, 4, 7),
                                            ::testing::Range(size_t{0}, conformance_cases().size())),
                         [](const auto& instance) {
                           return conformance_cases()[std::get<1>(instance.param)].name + "_on_" +
                                  std::to_string(std::get<0>(instance.param));
                         });

TEST(SingleWorld, PassesTheConformanceSuite) {
  for (const ConformanceCase& each : conformance_cases()) {
    SCOPED_TRACE(each.name);
    each.run(*make_single_world());
  }
}

TEST(SingleWorld, IsWhatAnMpiWorldIsWithoutMpirun) {
  ASSERT_FALSE(started_by_mpi());
  EXPECT_EQ(make_mpi_world()->size(), 1);
  int ran = 0;
  run_mpi_rank([&](Communicator& communicator) { ran += communicator.size(); });
  EXPECT_EQ(ran, 1);
}

TEST(LocalRanks, AreWhatRanksOfAnMpiJobAreWithoutMpirun) {
  std::atomic<int> ran = 0;
  run_mpi_ranks(3, [&](Communicator& communicator) {
    EXPECT_EQ(communicator.name(), "local");
    ran += communicator.size();
  });
  EXPECT_EQ(ran, 9);
}

TEST(LocalRanks, ShareTheProcessors) {
  run_local_ranks(2, [](Communicator&) { EXPECT_EQ(thread_count(), std::max(1, available_processors() / 2)); });
}

TEST(LocalRanks, WantAtLeastOne) {
  EXPECT_THROW(run_local_ranks(0, [](Communicator&) {}), InvalidArgument);
}

}  // namespace
}  // namespace polyscene
