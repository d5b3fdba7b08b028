// data.only_scenarios: which rows it keeps, whatever the column's type, and what it does to the others.
#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
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

constexpr char kMaximum[] = "18446744073709551615";  // the bits of -1

// As data inspect prints them.
TEST(OnlyScenarios, BoolsUnsignedAndDecimals) {
  const std::string all = str("only_scenarios: \"", kMaximum, "\"");
  for (const std::string value : {"true", "1"})
    EXPECT_EQ(read_listed({{"s", "bool", "[false, true]"}}, "only_scenarios: \"" + value + "\"").batches,
              (std::vector<Keys>{{1}}));
  EXPECT_EQ(read_listed({{"s", "uint64", str("[3, ", kMaximum, "]")}}, all).batches, (std::vector<Keys>{{1}}));
  EXPECT_EQ(read_listed({{"s", "decimal128(20)", str("[\"3\", \"", kMaximum, "\"]")}}, all).batches,
            (std::vector<Keys>{{1}}));
  EXPECT_EQ(read_listed({{"s", "double", "[3, 4]"}}, "only_scenarios: \"4\"").batches, (std::vector<Keys>{{1}}));
}

std::string refused(const TestColumn& scenarios, const std::string& only) {
  return message_of<DataError>([&] { (void)read_listed({scenarios}, only); });
}

std::string none_has(const std::string& values) {
  return "[data] no row of split train has " + values +
         " of data.only_scenarios in column \"s\"; polyscene data inspect shows the scenarios of the files";
}

TEST(OnlyScenarios, ValuesThatNoRowHasAreRefused) {
  EXPECT_EQ(refused({"s", "int64", "[1, 2]"}, "only_scenarios: \"7\" only_scenarios: \"home\""), none_has("7, home"));
  EXPECT_EQ(refused({"s", "int64", "[-1]"}, str("only_scenarios: \"", kMaximum, "\"")), none_has(kMaximum));
  EXPECT_EQ(refused({"s", "uint64", str("[", kMaximum, "]")}, "only_scenarios: \"-1\""), none_has("-1"));
  EXPECT_EQ(refused({"s", "int64", "[1]"}, "only_scenarios: \"true\""), none_has("true"));
  EXPECT_EQ(refused({"s", "string", "[\"1.0\"]"}, "only_scenarios: \"1\""), none_has("1"));
  EXPECT_EQ(refused({"s", "null", "[null]"}, "only_scenarios: \"1\""), none_has("1"));
}

// Said once, by the rank that looks for all.
TEST(OnlyScenarios, AValueThatNoRowHasBesideOthersIsSaid) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"s", "string", R"(["home", "cart"])"}});
  const auto data = data_config(folder, "scenario_column: \"s\" only_scenarios: \"home\" only_scenarios: \"crt\"");
  for (const int rank : {0, 1}) {
    ::testing::internal::CaptureStderr();
    (void)make_parquet_source(data, {.rank = rank, .ranks = 2, .batch_size = 2});
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find(none_has("crt")) != std::string::npos, rank == 0) << said;
  }
}

TEST(OnlyScenarios, WantsAScenarioColumn) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"s", "int64", "[1]"}});
  const auto data = data_config(folder, "only_scenarios: \"1\"");
  EXPECT_EQ(message_of<InvalidArgument>([&] { (void)make_parquet_source(data, {}); }),
            "[config] data.only_scenarios wants to know each row's scenario; set data.scenario_column");
}

}  // namespace
}  // namespace polyscene::core::test
