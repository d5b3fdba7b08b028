#include "ops/graph/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/base/philox.h"

namespace polyscene::testing {
namespace {

bool overlap(int64_t a, int64_t a_end, int64_t b, int64_t b_end) { return a < b_end && b < a_end; }

std::vector<Lifetime> random_lifetimes(uint64_t seed) {
  PhiloxStream random(seed);
  std::vector<Lifetime> blocks(60);
  for (Lifetime& b : blocks) {
    b.bytes = static_cast<int64_t>(random.next_below(4) == 0 ? 0 : random.next_below(5000));
    b.first = static_cast<int32_t>(random.next_below(40));
    b.last = b.first + static_cast<int32_t>(random.next_below(10));
  }
  std::ranges::stable_sort(blocks, {}, &Lifetime::first);
  return blocks;
}

TEST(Plan, LivingBlocksNeverOverlap) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Lifetime> blocks = random_lifetimes(seed);
    const MemoryPlan plan = plan_memory(blocks);
    ASSERT_EQ(plan.offsets.size(), blocks.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      ASSERT_EQ(plan.offsets[i] % 64, 0);
      ASSERT_LE(plan.offsets[i] + blocks[i].bytes, plan.arena_bytes);
      for (size_t k = 0; k < i; ++k)
        ASSERT_FALSE(overlap(blocks[i].first, blocks[i].last + 1, blocks[k].first, blocks[k].last + 1) &&
                     overlap(plan.offsets[i], plan.offsets[i] + blocks[i].bytes, plan.offsets[k],
                             plan.offsets[k] + blocks[k].bytes))
            << "seed " << seed << ": blocks " << i << " and " << k;
    }
  }
}

TEST(Plan, MemoryIsUsedAgain) {
  std::vector<Lifetime> chain;  // each block is read by the next step alone
  for (int32_t i = 0; i < 100; ++i) chain.push_back({640, i, i + 1});
  EXPECT_EQ(plan_memory(chain).arena_bytes, 2 * 640);
}

TEST(Plan, NeighboursThatEndTogetherBecomeOneRegion) {
  const Lifetime blocks[] = {{64, 0, 0}, {64, 0, 0}, {128, 1, 1}};
  EXPECT_EQ(plan_memory(blocks).arena_bytes, 128);
}

TEST(Plan, BestFitKeepsTheLargeHole) {
  const Lifetime blocks[] = {{640, 0, 0}, {64, 0, 9}, {64, 0, 0}, {64, 0, 9}, {64, 1, 9}, {640, 1, 9}};
  const MemoryPlan plan = plan_memory(blocks);
  EXPECT_EQ(plan.offsets[4], plan.offsets[2]);
  EXPECT_EQ(plan.offsets[5], plan.offsets[0]);
}

TEST(Plan, NothingToPlace) { EXPECT_EQ(plan_memory({}).arena_bytes, 0); }

}  // namespace
}  // namespace polyscene::testing
