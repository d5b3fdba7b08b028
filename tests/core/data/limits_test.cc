// Lists that are longer than their offsets can say.
#include <gtest/gtest.h>

#include "core/data/gather.h"
#include "core/data/ragged.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

TEST(ListLimits, OfAWindow) {
  std::vector<int32_t> offsets = {0, 2147483000};
  append_offsets(offsets, {600, 47}, "tags");
  EXPECT_EQ(offsets.back(), 2147483647);
  EXPECT_EQ(message_of<DataError>([&] {
              append_offsets(offsets, {1, 0}, "tags");
            }),
            "[data] column \"tags\" has 2147483648 elements in one shuffle window, at most 2147483647 fit; lower "
            "data.shuffle_window");
}

TEST(ListLimits, OfABatch) {
  FeatureSchema schema;
  schema.bags.resize(1);
  Window window;
  window.columns.bags.resize(1);
  window.columns.bags[0].offsets = {0, 1 << 30};
  const std::vector<RowRun> runs = {{.window = &window, .rows = {0, 0}}};
  EXPECT_EQ(
      message_of<DataError>([&] { (void)gather(schema, false, runs); }),
      "[data] a batch of 2 rows holds 2147483648 ids in one feature, at most 2147483647 fit; lower the batch size or "
      "max_length");
}

}  // namespace
}  // namespace polyscene::core::test
