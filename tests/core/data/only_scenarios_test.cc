// data.only_scenarios: which rows it keeps, whatever the column's type, and what it does to the others.
#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::test {
namespace {

using Keys = std::vector<int64_t>;

struct Kept {
  std::vector<Keys> batches;  // row keys
  SourceCounters counters;
};

// Reads a file in file order, three rows a batch.
Kept read_listed(const std::vector<TestColumn>& columns, const std::string& scenarios) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), columns);
  auto data = data_config(folder, "scenario_column: \"s\" max_bad_share: 1 lanes: 1 " + scenarios);
  const auto source = make_parquet_source(data, {.batch_size = 3, .shuffle = false, .min_tail_share = 0});
  Kept out;
  for (const Batch& b : read_epoch(*source)) out.batches.push_back(b.row_keys);
  out.counters = source->counters();
  return out;
}

TEST(OnlyScenarios, OtherRowsLeaveTheirBatchShorter) {
  const Kept o = read_listed({{"s", "int64", "[1, 2, 3, 2, 2, 2, 3]"}}, "only_scenarios: \"1\" only_scenarios: \"3\"");
  EXPECT_EQ(o.batches, (std::vector<Keys>{{0, 2}, {}, {6}}));
  EXPECT_EQ(o.counters.rows_read, 3);
  EXPECT_EQ(o.counters.rows_skipped, 4);
}

TEST(OnlyScenarios, NoneNamedKeepsAll) {
  const Kept o = read_listed({{"s", "int64", "[1, 2]"}}, "");
  EXPECT_EQ(o.batches, (std::vector<Keys>{{0, 1}}));
  EXPECT_EQ(o.counters.rows_skipped, 0);
}

TEST(OnlyScenarios, TextsAndNumbersOfAnyType) {
  for (const TestColumn& column : {TestColumn{"s", "string", R"(["7", "cart", "-7"])"},
                                   TestColumn{"s", "dictionary<string>", R"(["7", "cart", "-7"])"},
                                   TestColumn{"s", "int8", "[7, 1, -7]"}, TestColumn{"s", "uint64", "[7, 1, 2]"}}) {
    EXPECT_EQ(read_listed({column}, "only_scenarios: \"7\"").batches, (std::vector<Keys>{{0}})) << column.type;
  }
  EXPECT_EQ(read_listed({{"s", "string", R"(["7", "cart"])"}}, "only_scenarios: \"cart\"").batches,
            (std::vector<Keys>{{1}}));
  EXPECT_EQ(read_listed({{"s", "int64", "[-7, 7]"}}, "only_scenarios: \"-7\"").batches, (std::vector<Keys>{{0}}));
}

// What is wrong with rows of other scenarios is not this run's to say; a row without scenario is bad as ever.
TEST(OnlyScenarios, OnlyRowsOfItsScenariosAreJudged) {
  const Kept o = read_listed({{"s", "int64", "[1, 2, null, 1]"}, {"x", "int64", "[null, null, 5, 6]"}},
                             R"pb(only_scenarios: "1"
                                  feature {
                                    name: "x"
                                    categorical {}
                                  })pb");
  EXPECT_EQ(o.batches, (std::vector<Keys>{{}, {3}}));
  EXPECT_EQ(o.counters.rows_bad, 2);
  EXPECT_EQ(o.counters.rows_read, 3);
  EXPECT_EQ(o.counters.rows_skipped, 1);
}

TEST(OnlyScenarios, WantsAScenarioColumn) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"s", "int64", "[1]"}});
  const auto data = data_config(folder, "only_scenarios: \"1\"");
  EXPECT_EQ(message_of<InvalidArgument>([&] { (void)make_parquet_source(data, {}); }),
            "[data] data.only_scenarios wants data.scenario_column to be set");
}

}  // namespace
}  // namespace polyscene::test
