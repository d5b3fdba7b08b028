// The failures that any communicator must survive, over NCCL's stand-in, without kernels.
#include <gtest/gtest.h>

#include "tests/dist/conformance/suite.h"
#include "tests/dist/failure/scenario.h"
#include "tests/dist/nccl/stand_in_ranks.h"

namespace polyscene::testing {
namespace {

void with_fast_nccl(dist::Communicator& host, const std::function<void(dist::Communicator&)>& body) {
  dist::NcclOptions options = stand_in_options(kDeadline);
  options.in_rank_order = false;
  with_nccl(host, options, body);
}

class NcclFailure : public ::testing::TestWithParam<std::string> {};

TEST_P(NcclFailure, EndsAllRanks) {
  nccl_stand_in_reset();
  const Scenario& named = scenario(GetParam());
  named.check(run_on_local_ranks(named, with_fast_nccl));
  EXPECT_EQ(nccl_stand_in_counts().live, 0);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, NcclFailure,
                         ::testing::Values("timeout_all_reduce", "timeout_in_a_part", "throw_midway",
                                           "first_error_wins", "abort_without_throwing", "throw_of_no_exception",
                                           "broken_stays_broken", "mismatch_of_lengths", "mismatch_of_types",
                                           "mismatch_of_reductions", "mismatch_of_operations", "mismatch_of_roots",
                                           "mismatch_of_gathered_lengths", "mismatch_of_scattered_lengths",
                                           "mismatch_of_element_sizes", "mismatch_of_gathered_elements",
                                           "mismatch_of_pairwise_counts"),
                         [](const auto& instance) { return instance.param; });

// The cases without reductions: threads that watch, threads that queue and communicators that come and go.
TEST(NcclThreads, MoveData) {
  nccl_stand_in_reset();
  for (const auto run : {conformance_all_gather, conformance_broadcast, conformance_all_to_all_v, conformance_split})
    dist::run_local_ranks(3, [&](dist::Communicator& host) { with_fast_nccl(host, run); },
                          {.deadline = std::chrono::seconds(60)});
  EXPECT_EQ(nccl_stand_in_counts().live, 0);
}

}  // namespace
}  // namespace polyscene::testing
