// Batches put together are the batch of all their rows.
#include "core/features/join.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace polyscene::core {
namespace {

using ::testing::ElementsAre;

Batch two_rows() {
  Batch batch;
  batch.rows = 2;
  batch.global_rows = 4;
  batch.fields = {{1, 2}, {kMissingKey, 3}};
  batch.bags = {{.offsets = {0, 1, 3}, .keys = {7, 8, 9}, .weights = {0.5f, 1.5f, 2.5f}}};
  batch.sequences = {{.offsets = {0, 0, 2}, .sides = {{4, 5}, {6, 7}}}};
  batch.numbers = {0.1f, 0.2f, 0.3f, 0.4f};
  batch.labels = {{0, 1}};
  batch.scenario = {11, 12};
  batch.groups = {{21, 22}};
  batch.row_keys = {31, 32};
  batch.times = {41, 42};
  return batch;
}

Batch one_row() {
  Batch batch;
  batch.rows = batch.global_rows = 1;
  batch.fields = {{10}, {20}};
  batch.bags = {{.offsets = {0, 2}, .keys = {17, 18}, .weights = {}}};
  batch.sequences = {{.offsets = {0, 1}, .sides = {{14}, {15}}}};
  batch.numbers = {0.5f, 0.6f};
  batch.labels = {{1}};
  batch.scenario = {13};
  batch.groups = {{23}};
  batch.row_keys = {33};
  batch.times = {43};
  return batch;
}

TEST(Join, PutsRowsOneBehindTheOther) {
  const Batch two = two_rows(), one = one_row();
  const Batch all = join(std::vector{&two, &one, &two});
  EXPECT_EQ(all.rows, 5);
  EXPECT_EQ(all.global_rows, 9);
  EXPECT_THAT(all.fields, ElementsAre(ElementsAre(1, 2, 10, 1, 2), ElementsAre(kMissingKey, 3, 20, kMissingKey, 3)));
  ASSERT_EQ(all.bags.size(), 1);
  EXPECT_THAT(all.bags[0].offsets, ElementsAre(0, 1, 3, 5, 6, 8));
  EXPECT_THAT(all.bags[0].keys, ElementsAre(7, 8, 9, 17, 18, 7, 8, 9));
  EXPECT_THAT(all.bags[0].weights, ElementsAre(0.5f, 1.5f, 2.5f, 1.0f, 1.0f, 0.5f, 1.5f, 2.5f));
  ASSERT_EQ(all.sequences.size(), 1);
  EXPECT_THAT(all.sequences[0].offsets, ElementsAre(0, 0, 2, 3, 3, 5));
  EXPECT_THAT(all.sequences[0].sides, ElementsAre(ElementsAre(4, 5, 14, 4, 5), ElementsAre(6, 7, 15, 6, 7)));
  EXPECT_THAT(all.numbers, ElementsAre(0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.1f, 0.2f, 0.3f, 0.4f));
  EXPECT_THAT(all.labels, ElementsAre(ElementsAre(0, 1, 1, 0, 1)));
  EXPECT_THAT(all.scenario, ElementsAre(11, 12, 13, 11, 12));
  EXPECT_THAT(all.groups, ElementsAre(ElementsAre(21, 22, 23, 21, 22)));
  EXPECT_THAT(all.row_keys, ElementsAre(31, 32, 33, 31, 32));
  EXPECT_THAT(all.times, ElementsAre(41, 42, 43, 41, 42));
}

TEST(Join, LeavesOutWhatNoneHas) {
  Batch one = one_row();
  one.times.clear();
  const Batch all = join(std::vector<const Batch*>{&one, &one});
  EXPECT_TRUE(all.bags[0].weights.empty());
  EXPECT_TRUE(all.times.empty());
  EXPECT_EQ(join({}).rows, 0);
}

TEST(Join, RefusesMoreIdsThanOffsetsCount) {
  Batch half = one_row();
  half.sequences[0].offsets = {0, 1 << 30};
  EXPECT_EQ(testing::message_of([&] {
              (void)join(std::vector<const Batch*>{&half, &half});
            }),
            "[data] wanted at most 2147483647 ids in one feature of a batch, got more; join fewer rows, or lower "
            "max_length");
}

}  // namespace
}  // namespace polyscene::core
