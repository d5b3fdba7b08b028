#include "core/data/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/data/distinct_sketch.h"
#include "core/data/quantiles.h"
#include "core/data/scenario_note.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
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
  EXPECT_DOUBLE_EQ(*price.mean, 1.125);
  EXPECT_NEAR(*price.stddev, std::sqrt(9.1875 / 4), 1e-12);
  EXPECT_EQ(price.quantiles.size(), 5u);
  EXPECT_EQ(price.sampled, 0);
  EXPECT_FALSE(user.mean.has_value());
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
  EXPECT_EQ(report.columns[0].low, "9007199254740993");
  EXPECT_EQ(report.columns[0].high, "18446744073709551615");
  EXPECT_EQ(report.columns[1].low, "-9007199254740993");
  EXPECT_EQ(report.columns[1].high, "9007199254740993");
  std::ostringstream out;
  print(out, report);
  EXPECT_NE(out.str().find("9007199254740993 to 18446744073709551615\n"), std::string::npos) << out.str();
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
  feature "user": column "user", int64
    nulls 1, 3 distinct, 1 to 9
  feature "price": column "price", double
    NaN 1, 4 distinct, -1 to 3, mean 1.125, standard deviation 1.51554
    1 % -0.955, 25 % 0.125, median 1.25, 75 % 2.25, 99 % 2.97
  feature "tags": column "tags", list<element: string>
    nulls 1+1, mean length 1.2, longest 3, 3 distinct
  label "click": column "click", int8
    3 distinct, 0 to 5, mean 1.4
  scenario_column: column "tab", string
    2 distinct

cut to max_length: 0 sequences, 1 bags

scenarios
  scenario  rows    share  rate of click
  home         3  75.00 %         0.6667
  cart         1  25.00 %              0

bad rows: 1 (20.00 %)
Training or scoring would fail: data.max_bad_share allows 0.10 %
  1  "click": label outside {0, 1}
first 1:
  a.parquet row 4, column "click": label outside {0, 1}, got 5
)");
}

// What the columns of a report look like, line by line.
std::vector<std::string> printed(const TempFolder& folder, const char* fields) {
  std::ostringstream out;
  print(out, inspect(data_config(folder, fields), Split::kTrain));
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool holds(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

TEST(InspectText, TimesAreDates) {
  const TempFolder folder;
  const auto described = [&](const char* type, const char* values) {
    write_parquet(folder.file("a.parquet"), {{"y", "int64", "[1, 0]"}, {"t", type, values}});
    return printed(folder, R"pb(label { name: "y" }
                                time_column: "t")pb")[6];
  };
  const std::string range = "    2 distinct, 1969-12-31 23:59:59 to 2022-05-01 13:45:00";
  EXPECT_EQ(described("timestamp[ns]", "[1651412700999999999, -1]"), range);
  EXPECT_EQ(described("timestamp[ms]", "[1651412700999, -1]"), range);
  EXPECT_EQ(described("timestamp", "[-1, 1651412700000001]"), range);
  EXPECT_EQ(described("date32", "[0, 19113]"), "    2 distinct, 1970-01-01 00:00:00 to 2022-05-01 00:00:00");
  EXPECT_EQ(described("int64", "[1651412700999, 1651412600001]"), "    2 distinct, 1651412600001 to 1651412700999,");
  EXPECT_TRUE(holds(printed(folder, R"pb(label { name: "y" }
                                         time_column: "t")pb"),
                    "    2022-05-01 13:43:20 to 2022-05-01 13:45:00 if in ms"));
  EXPECT_EQ(described("int64", "[20220501, 20220502]"), "    2 distinct, 20220501 to 20220502");
}

TEST(InspectText, WholeNumbersAreWrittenInFull) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", "[1, 0]"},
                                           {"u", "uint64", "[18446744073709551615, 3]"},
                                           {"i", "int64", "[-9007199254740993, 9223372036854775807]"}});
  const auto lines = printed(folder, R"pb(feature {
                                            name: "u"
                                            categorical {}
                                          }
                                          feature {
                                            name: "i"
                                            categorical {}
                                          }
                                          label { name: "y" })pb");
  EXPECT_TRUE(holds(lines, "    2 distinct, 3 to 18446744073709551615"));
  EXPECT_TRUE(holds(lines, "    2 distinct, -9007199254740993 to 9223372036854775807"));
}

TEST(InspectText, FitsATerminal) {
  const TempFolder folder;
  const std::string number = "[12345678.123456, -8765432.1234567, NaN]";
  write_parquet(folder.file("a.parquet"), {{"a_label_with_a_long_name", "int64", "[1, 0, 1]"},
                                           {"another_label_with_a_name", "int64", "[1, 0, 1]"},
                                           {"third_label", "int64", "[1, 0, 1]"},
                                           {"n", "double", number}});
  const auto lines = printed(folder, R"pb(feature {
                                            name: "n"
                                            number { nullable: true }
                                          }
                                          label { name: "a_label_with_a_long_name" }
                                          label { name: "another_label_with_a_name" }
                                          label { name: "third_label" })pb");
  for (const std::string& line : lines) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_TRUE(holds(lines, "    NaN 1, 2 distinct, -8765432.12346 to 12345678.1235, mean 1.79012e+06,"));
  EXPECT_TRUE(holds(lines, "    standard deviation 1.05556e+07"));
  EXPECT_TRUE(holds(lines, "  scenario  rate of another_label_with_a_name  rate of third_label"));
}

TEST(InspectText, NullsThatAFeatureDoesNotTakeNameItsSetting) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"),
                {{"y", "int64", "[1, 0, 1]"}, {"price", "double", "[1, NaN, 2]"}, {"user", "int64", "[1, 2, null]"}});
  const std::string hint = "Nulls are a value of their own with nullable: true in ";
  EXPECT_EQ(printed(folder, R"pb(feature {
                                   name: "cost"
                                   number { column: "price" }
                                 }
                                 feature {
                                   name: "user"
                                   categorical {}
                                 }
                                 label { name: "y" })pb")
                .back(),
            hint + "data.feature[cost].number, data.feature[user].categorical.");
  EXPECT_EQ(printed(folder, R"pb(feature {
                                   name: "cost"
                                   number { column: "price" }
                                 }
                                 feature {
                                   name: "user"
                                   categorical { nullable: true }
                                 }
                                 label { name: "y" })pb")
                .back(),
            hint + "data.feature[cost].number.");
  // A group has no such setting.
  EXPECT_FALSE(printed(folder, R"pb(group { name: "user" }
                                    label { name: "y" })pb")
                   .back()
                   .starts_with("Nulls"));
}

TEST(InspectText, AScenarioFeatureWithoutItsColumnIsSaid) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", "[1, 0]"}, {"tab", "string", R"(["a", "b"])"}});
  const std::string note =
      "data.scenario_column is not set, so all rows are one scenario and S-GAUC is the AUC; feature \"scene\" has "
      "role SCENARIO: try --set data.scenario_column=tab";
  const std::string fields = R"pb(feature {
                                    name: "scene"
                                    categorical { column: "tab" }
                                    role: SCENARIO
                                  }
                                  label { name: "y" })pb";
  EXPECT_TRUE(holds(printed(folder, fields.c_str()), note));
  EXPECT_EQ(scenario_note(data_config(folder, fields + "scenario_column: \"tab\"")), "");
  EXPECT_EQ(scenario_note(data_config(folder, "label { name: \"y\" }")), "");
}

TEST(Quantiles, ExactUpToTheirBoundThenOfASample) {
  Quantiles exact(1000), sampled(1000), again(1000);
  for (int64_t i = 0; i < 1000; ++i) exact.add(static_cast<double>(i * 7919 % 1000));
  EXPECT_EQ(exact.sampled(), 1000);
  const std::vector<double> found = exact.values();
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], 999 * Quantiles::kShares[i], 1e-9);
  for (int64_t i = 0; i < 200000; ++i) {
    sampled.add(static_cast<double>(i));
    again.add(static_cast<double>(i));
  }
  EXPECT_EQ(sampled.count(), 200000);
  EXPECT_GE(sampled.sampled(), 300);
  EXPECT_LE(sampled.sampled(), 1000);
  EXPECT_EQ(sampled.values(), again.values());
  for (size_t i = 0; i < found.size(); ++i)  // about 5 standard errors of the median
    EXPECT_NEAR(sampled.values()[i], 200000 * Quantiles::kShares[i], 200000 * 0.1);
  EXPECT_TRUE(Quantiles().values().empty());
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
}  // namespace polyscene::core::test
