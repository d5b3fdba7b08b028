// The conformance suite over NCCL's stand-in.
#include <gtest/gtest.h>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"
#include "tests/dist/nccl/stand_in_ranks.h"

namespace polyscene::testing {
namespace {

constexpr std::chrono::seconds kPatience(120);

class NcclConformance : public ::testing::TestWithParam<std::tuple<int, size_t>> {};

// Nothing of NCCL is left when the ranks have gone, and nothing was aborted.
TEST_P(NcclConformance, Passes) {
  const auto& [ranks, index] = GetParam();
  nccl_stand_in_reset();
  dist::run_local_ranks(
      ranks,
      [&](dist::Communicator& host) { with_nccl(host, stand_in_options(kPatience), conformance_cases()[index].run); },
      {.deadline = kPatience});
  const NcclStandInCounts counts = nccl_stand_in_counts();
  EXPECT_EQ(counts.live, 0);
  EXPECT_EQ(counts.aborted, 0);
  EXPECT_EQ(counts.refused, 0);
  EXPECT_EQ(counts.destroyed > 0, ranks > 1);
}

INSTANTIATE_TEST_SUITE_P(Ranks, NcclConformance,
                         ::testing::Combine(::testing::Values(1, 3),
                                            ::testing::Range(size_t{0}, conformance_cases().size())),
                         [](const auto& instance) {
                           return conformance_cases()[std::get<1>(instance.param)].name + "_on_" +
                                  std::to_string(std::get<0>(instance.param));
                         });

// What the ranks' sums are in the order of the stand-in, which is not ours.
std::vector<float> reduced_by_nccl(uint64_t seed, int ranks, size_t count) {
  std::vector<float> sums = values<float>(seed, ranks - 1, count);
  for (int r = ranks - 2; r >= 0; --r)
    for (size_t i = 0; i < count; ++i) sums[i] += value<float>(seed, r, i);
  return sums;
}

// NCCL adds where its order does not matter or nobody asks for ours; it never takes minima of floating-point numbers.
TEST(Nccl, AddsWhereItMay) {
  for (const bool in_rank_order : {true, false}) {
    nccl_stand_in_reset();
    dist::NcclOptions options = stand_in_options(kPatience);
    options.in_rank_order = in_rank_order;
    const auto body = [&](dist::Communicator& nccl) {
      const auto want = in_rank_order ? reduced<float>(1, 3, 100, dist::ReduceOp::kSum) : reduced_by_nccl(1, 3, 100);
      std::vector<float> data = values<float>(1, nccl.rank(), 100), part(33), minimum(5, nccl.rank() == 1 ? NAN : 2.0f);
      nccl.reduce_scatter<float>(std::span(data).first(99), part);
      EXPECT_TRUE(same_bits(std::span<const float>(part), std::span(want).subspan(33 * nccl.rank(), 33)));
      nccl.all_reduce<float>(data);
      EXPECT_TRUE(same_bits(data, want));
      nccl.all_reduce<float>(minimum, dist::ReduceOp::kMin);
      EXPECT_TRUE(std::isnan(minimum[4]));
      std::vector<int64_t> counts(7, int64_t{1} << 40);
      nccl.all_reduce<int64_t>(counts, dist::ReduceOp::kMax);
      EXPECT_EQ(counts[6], int64_t{1} << 40);
    };
    dist::run_local_ranks(3, [&](dist::Communicator& host) { with_nccl(host, options, body); },
                          {.deadline = kPatience});
    EXPECT_EQ(nccl_stand_in_counts().reductions, in_rank_order ? 3 : 9);
  }
}

// Rank 0 sends one element to rank 2, rank 2 keeps two: one message.
TEST(Nccl, SendsNothingWhereThereIsNothing) {
  nccl_stand_in_reset();
  const auto body = [](dist::Communicator& nccl) {
    const int rank = nccl.rank();
    const std::vector<int64_t> send = {0, 0, rank == 0 ? 1 : rank == 2 ? 2 : 0};
    const std::vector<int64_t> receive = {rank == 2 ? 1 : 0, 0, rank == 2 ? 2 : 0};
    const std::vector<int32_t> input(rank == 0 ? 1 : rank == 2 ? 2 : 0, rank + 10);
    std::vector<int32_t> output(rank == 2 ? 3 : 0);
    nccl.all_to_all_v<int32_t>(input, send, output, receive);
    EXPECT_EQ(output, rank == 2 ? std::vector<int32_t>({10, 12, 12}) : std::vector<int32_t>());
  };
  dist::run_local_ranks(3, [&](dist::Communicator& host) { with_nccl(host, stand_in_options(kPatience), body); },
                        {.deadline = kPatience});
  EXPECT_EQ(nccl_stand_in_counts().messages, 1);
}

}  // namespace
}  // namespace polyscene::testing
