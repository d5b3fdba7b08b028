// Columns of other types than those that writers mean to write: nulls without a type, whole numbers as floats or
// decimals, half floats.
#include <gtest/gtest.h>

#include "core/data/inspect.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

using Keys = std::vector<int64_t>;

// Every form a column can have, all nullable that can be.
constexpr char kForms[] = R"pb(feature {
                                 name: "id"
                                 categorical { nullable: true }
                               }
                               feature {
                                 name: "ranged"
                                 categorical { nullable: true column: "id" max_id: 1000 }
                               }
                               feature {
                                 name: "number"
                                 number { column: "id" nullable: true }
                               }
                               feature {
                                 name: "ids"
                                 sequence { side { column: "ids" table: "id" } }
                               }
                               feature {
                                 name: "bag"
                                 bag { column: "ids" weight_column: "weights" table: "id" }
                               }
                               group { name: "g" column: "id" })pb";

Batch read_columns(const std::vector<TestColumn>& columns, const std::string& config) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), columns);
  return read_all(data_config(folder, config));
}

std::string reason_of(const std::vector<TestColumn>& columns, const std::string& config) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), columns);
  const std::string message = message_of<DataError>([&] { (void)read_all(data_config(folder, config)); });
  const size_t begin = message.find(" row ");
  return begin == std::string::npos ? message : message.substr(begin + 1, message.find('\n', begin) - begin - 1);
}

TEST(ValueTypes, NullsWithoutAType) {
  for (const auto& [list, lists] : {std::pair{"null", "[null, null]"}, std::pair{"list<null>", "[[], null]"}}) {
    const Batch b =
        read_columns({{"id", "null", "[null, null]"}, {"ids", list, lists}, {"weights", list, lists}}, kForms);
    ASSERT_EQ(b.rows, 2) << list;
    EXPECT_EQ(b.fields, (std::vector<Keys>{{kMissingKey, kMissingKey}, {kMissingKey, kMissingKey}}));
    EXPECT_EQ(b.numbers, (std::vector<float>{0, 0}));
    EXPECT_EQ(b.groups, (std::vector<Keys>{{kMissingKey, kMissingKey}}));
    EXPECT_EQ(b.sequences[0].offsets, (std::vector<int32_t>{0, 0, 0}));
    EXPECT_EQ(b.bags[0].offsets, (std::vector<int32_t>{0, 0, 0}));
  }
  const Batch inside = read_columns({{"ids", "list<null>", "[[null, null], []]"}},
                                    R"pb(feature {
                                           name: "ids"
                                           sequence {
                                             side { column: "ids" }
                                             nullable: true
                                           }
                                         })pb");
  EXPECT_EQ(inside.sequences[0].offsets, (std::vector<int32_t>{0, 2, 2}));
  EXPECT_EQ(inside.sequences[0].sides[0], (Keys{kMissingKey, kMissingKey}));
}

TEST(ValueTypes, NullsWhereNoneIsAllowedStayBad) {
  const std::vector<TestColumn> x = {{"x", "null", "[null]"}};
  EXPECT_EQ(reason_of(x, R"pb(feature {
                                name: "x"
                                categorical {}
                              })pb"),
            "row 0, column \"x\": null, but not nullable, got null");
  EXPECT_EQ(reason_of(x, R"pb(feature {
                                name: "x"
                                number {}
                              })pb"),
            "row 0, column \"x\": null, but not nullable, got null");
  EXPECT_EQ(reason_of(x, R"pb(feature {
                                name: "x"
                                bag { nullable: false }
                              })pb"),
            "row 0, column \"x\": null list, but not nullable, got null");
  EXPECT_EQ(reason_of(x, R"pb(label { name: "x" })pb"), "row 0, column \"x\": null label, got null");
  for (const char* key : {"scenario_column", "row_key_column", "time_column"})
    EXPECT_EQ(reason_of(x, str(key, ": \"x\"")), "row 0, column \"x\": null, but not nullable, got null");
}

TEST(ValueTypes, FloatsThatHoldWholeIds) {
  for (const std::string type : {"double", "float", "half"}) {
    const Batch b = read_columns({{"id", type, "[7, NaN, -0.0, null, 12]"},
                                  {"ids", "list<" + type + ">", "[[3, 4], [], [-5], null, [NaN]]"},
                                  {"weights", "list<" + type + ">", "[[0.5, 1], [], [2], null, [1]]"}},
                                 kForms);
    ASSERT_EQ(b.rows, 5) << type;
    EXPECT_EQ(b.fields[0], (Keys{7, kMissingKey, 0, kMissingKey, 12})) << type;
    EXPECT_EQ(b.fields[1], b.fields[0]) << type;
    EXPECT_EQ(b.groups[0], b.fields[0]) << type;
    EXPECT_EQ(b.numbers, (std::vector<float>{7, 0, 0, 0, 12})) << type;
    EXPECT_EQ(b.sequences[0].sides[0], (Keys{3, 4, -5, kMissingKey})) << type;
    EXPECT_EQ(b.bags[0].keys, (Keys{3, 4, -5, kMissingKey})) << type;
    EXPECT_EQ(b.bags[0].weights, (std::vector<float>{0.5F, 1, 2, 1})) << type;
  }
  const Batch b = read_columns({{"s", "float", "[1, 2]"},
                                {"k", "double", "[9007199254740991, 4]"},
                                {"t", "half", "[5, 6]"},
                                {"y", "half", "[0, 1]"}},
                               R"pb(scenario_column: "s"
                                    row_key_column: "k"
                                    time_column: "t"
                                    label { name: "y" })pb");
  EXPECT_EQ(b.scenario, (Keys{1, 2}));
  EXPECT_EQ(b.row_keys, (Keys{(int64_t{1} << 53) - 1, 4}));
  EXPECT_EQ(b.times, (Keys{5, 6}));
  EXPECT_EQ(b.labels[0], (std::vector<float>{0, 1}));
}

TEST(ValueTypes, OtherFloatsAreNoIds) {
  const char* id = R"pb(feature {
                          name: "x"
                          categorical { nullable: true }
                        })pb";
  for (const auto& [json, shown] : {std::pair{"1.5", "1.5"}, std::pair{"9007199254740992", "9.007199254740992e+15"},
                                    std::pair{"-Inf", "-inf"}, std::pair{"1e300", "1e+300"}})
    EXPECT_EQ(reason_of({{"x", "double", str("[", json, "]")}}, id),
              str("row 0, column \"x\": wants integers or strings, not double, got ", shown));
  EXPECT_EQ(reason_of({{"x", "list<float>", "[[1, 2.5]]"}}, R"pb(feature {
                                                                   name: "x"
                                                                   bag {}
                                                                 })pb"),
            "row 0, column \"x\": wants integers or strings, not float, got list<element: float>[1, 2.5]");
  EXPECT_EQ(reason_of({{"x", "double", "[NaN]"}}, R"pb(feature {
                                                         name: "x"
                                                         categorical {}
                                                       })pb"),
            "row 0, column \"x\": NaN, but not nullable, got nan");
}

TEST(ValueTypes, DecimalsOfScaleZero) {
  for (const std::string type : {"decimal32(9)", "decimal64(18)", "decimal128(20)", "decimal256(76)"}) {
    const Batch b = read_columns({{"id", type, R"(["7", null, "-12"])"},
                                  {"ids", "list<" + type + ">", R"([["3", "-4"], [], ["5"]])"},
                                  {"weights", "list<" + type + ">", R"([["1", "2"], [], ["3"]])"}},
                                 kForms);
    ASSERT_EQ(b.rows, 3) << type;
    EXPECT_EQ(b.fields[0], (Keys{7, kMissingKey, -12})) << type;
    EXPECT_EQ(b.numbers, (std::vector<float>{7, 0, -12})) << type;
    EXPECT_EQ(b.sequences[0].sides[0], (Keys{3, -4, 5})) << type;
    EXPECT_EQ(b.bags[0].weights, (std::vector<float>{1, 2, 3})) << type;
  }
  const char* key = "row_key_column: \"x\"";
  EXPECT_EQ(
      read_columns({{"x", "decimal128(20)", R"(["18446744073709551615", "-9223372036854775807"])"}}, key).row_keys,
      (Keys{-1, -INT64_MAX}));
  for (const char* type : {"decimal128(20)", "decimal256(76)"})
    for (const char* value : {"18446744073709551616", "-9223372036854775809"})
      EXPECT_EQ(reason_of({{"x", type, str("[\"", value, "\"]")}}, key),
                str("row 0, column \"x\": wants integers or strings, not ",
                    std::string(type).insert(std::string(type).size() - 1, ", 0"), ", got ", value));
}

TEST(ValueTypes, InspectShowsThem) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"),
                {{"x", "double", "[7, NaN, null, 2]"}, {"n", "null", "[null, null, null, null]"}});
  const DataReport report = inspect(data_config(folder, R"pb(feature {
                                                               name: "x"
                                                               categorical { nullable: true }
                                                             }
                                                             feature {
                                                               name: "n"
                                                               bag {}
                                                             })pb"),
                                    Split::kTrain);
  EXPECT_EQ(report.bad_rows, 0);
  const ColumnReport& x = report.columns.at(0);
  EXPECT_EQ(std::tuple(x.nulls, x.nans, x.distinct, x.min, x.max), std::tuple(1, 1, 2, 2.0, 7.0));
  const ColumnReport& n = report.columns.at(1);
  EXPECT_EQ(std::tuple(n.type, n.nulls, n.max_length), std::tuple("null", 4, 0));
}

}  // namespace
}  // namespace polyscene::core::test
