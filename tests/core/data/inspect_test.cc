#include "core/data/inspect.h"

#include <gtest/gtest.h>

#include <sstream>

#include "core/data/distinct_sketch.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::test {
namespace {

class Inspect : public ::testing::Test {
 protected:
  Inspect() {
    write_parquet(folder_.file("a.parquet"),
                  {{"user", "int64", "[1, 2, null, 2, 9]"},
                   {"price", "double", "[0.5, NaN, 3, -1, 2]"},
                   {"tags", "list<string>", R"([["x", "y"], [], null, ["x", null, "z"], ["x"]])"},
                   {"tab", "string", R"(["home", "cart", "home", "home", "cart"])"},
                   {"click", "int8", "[1, 0, 0, 1, 5]"}},
                  2);
    report_ = inspect(data_config(folder_, R"pb(
                        feature {
                          name: "user"
                          categorical { nullable: true }
                        }
                        feature {
                          name: "price"
                          number { nullable: true }
                        }
                        feature {
                          name: "tags"
                          bag { max_length: 2 }
                        }
                        label { name: "click" }
                        scenario_column: "tab")pb"),
                      Split::kTrain);
  }

  TempFolder folder_;
  DataReport report_;
};

TEST_F(Inspect, CountsFilesAndRows) {
  EXPECT_EQ(report_.files, 1);
  EXPECT_EQ(report_.row_groups, 3);
  EXPECT_EQ(report_.rows, 5);
  EXPECT_GT(report_.size_bytes, 0);
}

TEST_F(Inspect, DescribesColumns) {
  ASSERT_EQ(report_.columns.size(), 5u);
  const ColumnReport& user = report_.columns[0];
  EXPECT_EQ(user.user, "feature \"user\"");
  EXPECT_EQ(user.type, "int64");
  EXPECT_EQ(user.nulls, 1);
  EXPECT_EQ(user.distinct, 3);
  EXPECT_TRUE(user.distinct_exact);
  EXPECT_EQ(user.min, 1.0);
  EXPECT_EQ(user.max, 9.0);
  const ColumnReport& price = report_.columns[1];
  EXPECT_EQ(price.nans, 1);
  EXPECT_EQ(price.min, -1.0);
  EXPECT_EQ(price.max, 3.0);
  const ColumnReport& tags = report_.columns[2];
  EXPECT_TRUE(tags.list);
  EXPECT_EQ(tags.nulls, 1);
  EXPECT_EQ(tags.null_elements, 1);
  EXPECT_EQ(tags.distinct, 3);
  EXPECT_FALSE(tags.min.has_value());
  EXPECT_DOUBLE_EQ(tags.mean_length, 1.2);
  EXPECT_EQ(tags.max_length, 3);
  EXPECT_EQ(report_.bags_cut, 1);
}

TEST_F(Inspect, BoundsOfIdsAreExact) {
  write_parquet(folder_.file("a.parquet"), {{"u", "uint64", "[18446744073709551615, 9007199254740993, null]"},
                                            {"i", "int64", "[-9007199254740993, 9007199254740993, null]"}});
  const DataReport report = inspect(data_config(folder_, R"pb(feature {
                                                                name: "u"
                                                                categorical { nullable: true }
                                                              }
                                                              feature {
                                                                name: "i"
                                                                categorical { nullable: true }
                                                              })pb"),
                                    Split::kTrain);
  EXPECT_EQ(report.columns[0].min_id, "9007199254740993");
  EXPECT_EQ(report.columns[0].max_id, "18446744073709551615");
  EXPECT_EQ(report.columns[1].min_id, "-9007199254740993");
  EXPECT_EQ(report.columns[1].max_id, "9007199254740993");
  std::ostringstream out;
  print(out, report);
  EXPECT_NE(out.str().find(" 18446744073709551615 "), std::string::npos) << out.str();
}

TEST_F(Inspect, SharesAndRatesOfGoodRows) {
  ASSERT_EQ(report_.scenarios.size(), 2u);
  EXPECT_EQ(report_.scenarios[0].name, "home");
  EXPECT_EQ(report_.scenarios[0].rows, 3);
  EXPECT_DOUBLE_EQ(report_.scenarios[0].label_rates[0], 2.0 / 3);
  EXPECT_EQ(report_.scenarios[1].name, "cart");
  EXPECT_EQ(report_.scenarios[1].rows, 1);
}

TEST_F(Inspect, BadRowsWithTheirPlace) {
  EXPECT_EQ(report_.bad_rows, 1);
  ASSERT_EQ(report_.first_bad.size(), 1u);
  EXPECT_EQ(report_.first_bad[0].row, 4);
  EXPECT_EQ(report_.first_bad[0].value, "5");
  EXPECT_EQ(report_.bad_by_reason.at("\"click\": label outside {0, 1}"), 1);
}

TEST_F(Inspect, Prints) {
  report_.size_bytes = 1234567;
  report_.first_bad[0].file = "a.parquet";
  std::ostringstream out;
  print(out, report_);
  EXPECT_EQ(out.str(), R"(split train: 5 rows in 1 file(s), 3 row groups, 1.235 MB

columns (nulls of lists: null lists + null elements; ~: estimated)
  used by          column  type                   nulls  NaN  distinct  min  max  mean length  max length
  feature "user"   user    int64                      1    0         3    1    9            -           -
  feature "price"  price   double                     0    1         4   -1    3            -           -
  feature "tags"   tags    list<element: string>    1+1    0         3    -    -          1.2           3
  label "click"    click   int8                       0    0         3    0    5            -           -
  scenario_column  tab     string                     0    0         2    -    -            -           -

cut to max_length: 0 sequences, 1 bags

scenarios
  scenario  rows    share  rate of click
  home         3  75.00 %         0.6667
  cart         1  25.00 %              0

bad rows: 1 (20.00 %)
  1  "click": label outside {0, 1}
first 1:
  a.parquet row 4, column "click": label outside {0, 1}, got 5
)");
}

TEST(InspectBounds, OnlyTheFirstTwentyBadRowsAreKept) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", json_list(50, [](int64_t) { return "3"; })}});
  const auto report = inspect(data_config(folder, R"pb(label { name: "y" })pb"), Split::kTrain);
  EXPECT_EQ(report.bad_rows, 50);
  EXPECT_EQ(report.first_bad.size(), 20u);
  EXPECT_TRUE(report.scenarios.empty());
}

TEST(InspectBounds, WithoutScenariosAllRowsAreOne) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", "[1, 0, 0, 0]"}});
  const auto report = inspect(data_config(folder, R"pb(label { name: "y" })pb"), Split::kTrain);
  ASSERT_EQ(report.scenarios.size(), 1u);
  EXPECT_EQ(report.scenarios[0].name, "all");
  EXPECT_DOUBLE_EQ(report.scenarios[0].label_rates[0], 0.25);
}

TEST(DistinctSketch, ExactUpToItsBoundThenNear) {
  DistinctSketch sketch(1000);
  for (int round = 0; round < 2; ++round) {
    for (int64_t key = 0; key < 1000; ++key) sketch.add(key * 7919);
  }
  EXPECT_TRUE(sketch.exact());
  EXPECT_EQ(sketch.count(), 1000);
  for (int64_t key = 0; key < 200000; ++key) sketch.add(key);
  EXPECT_FALSE(sketch.exact());
  EXPECT_NEAR(static_cast<double>(sketch.count()), 200000, 200000 * 0.15);  // about 5 standard errors
}

}  // namespace
}  // namespace polyscene::test
