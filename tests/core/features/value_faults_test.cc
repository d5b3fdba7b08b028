// What a value must not be: the rules by themselves, and that the reader of files and a request give the same words.
#include "core/features/value_faults.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/features/batch.h"
#include "core/serve/request.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

TEST(ValueFaults, Missing) {
  EXPECT_EQ(missing_fault(false, Missing::kNull), "null, but not nullable");
  EXPECT_EQ(missing_fault(false, Missing::kNan), "NaN, but not nullable");
  EXPECT_EQ(missing_fault(false, Missing::kNullOrNan), "null or NaN, but not nullable");
  EXPECT_EQ(missing_fault(false, Missing::kList), "null list, but not nullable");
  EXPECT_EQ(missing_fault(false, Missing::kInList), "null in list, but not nullable");
  for (const Missing what : {Missing::kNull, Missing::kNan, Missing::kNullOrNan, Missing::kList, Missing::kInList}) {
    EXPECT_EQ(missing_fault(true, what), "");
    EXPECT_TRUE(is_missing_fault(missing_fault(false, what)));
  }
  for (const std::string& fault : {id_fault({0, 9}, 10), number_fault(kInf, false, Missing::kNan), std::string()})
    EXPECT_FALSE(is_missing_fault(fault)) << fault;
}

TEST(ValueFaults, Ids) {
  config::Categorical field;
  EXPECT_EQ(id_fault(key_limits(field), kMissingKey + 1), "");
  EXPECT_EQ(id_fault(key_limits(field), std::numeric_limits<int64_t>::max()), "");
  EXPECT_FALSE(key_limits(field).hold(kMissingKey));
  field.set_min_id(3);
  field.set_max_id(7);
  for (const int64_t id : {3, 7}) EXPECT_EQ(id_fault(key_limits(field), id), "") << id;
  for (const int64_t id : {2, 8, -1}) EXPECT_EQ(id_fault(key_limits(field), id), "id outside [3, 7]") << id;
  field.set_min_id(kMissingKey);
  EXPECT_FALSE(key_limits(field).hold(kMissingKey));
}

TEST(ValueFaults, Numbers) {
  EXPECT_EQ(number_fault(-1e300, false, Missing::kNull), "");
  EXPECT_EQ(number_fault(kNan, true, Missing::kNan), "");
  EXPECT_EQ(number_fault(kNan, false, Missing::kNan), "NaN, but not nullable");
  for (const bool nullable : {false, true})
    for (const double x : {kInf, -kInf}) EXPECT_EQ(number_fault(x, nullable, Missing::kNull), "infinite");
  EXPECT_EQ(float_fault(std::numeric_limits<float>::max()), "");
  EXPECT_EQ(float_fault(static_cast<float>(kInf)), "too large for a 32-bit float");
}

TEST(ValueFaults, Weights) {
  for (const double weight : {0.0, -0.0, 3e38}) EXPECT_EQ(weight_fault(weight), "") << weight;
  for (const double weight : {-1e-300, -kInf}) EXPECT_EQ(weight_fault(weight), "negative weight") << weight;
  for (const double weight : {kNan, kInf, 1e300})
    EXPECT_EQ(weight_fault(weight), "weight is null, NaN or infinite") << weight;
}

TEST(ValueFaults, Lengths) {
  EXPECT_EQ(length_fault(2, "tags", 2), "");
  EXPECT_EQ(length_fault(1, "tags", 2), "list of length 1, but \"tags\" has 2");
}

// One row that both refuse: as a file, and as a caller's columns.
struct BadRow {
  std::string feature;
  std::vector<TestColumn> columns;
  std::function<void(Request&)> set;
  std::string column, fault;
  std::string request_fault = fault;  // where a request cannot know as much
};

std::string reader_says(const BadRow& row) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), row.columns);
  const std::string message = message_of<DataError>([&] { (void)read_all(data_config(folder, row.feature)); });
  const size_t begin = message.find("row 0, ");
  return begin == std::string::npos ? message : message.substr(begin, message.find('\n', begin) - begin);
}

std::string request_says(const BadRow& row) {
  const TempFolder folder;
  const config::Data data = data_config(folder, row.feature);
  const FeatureSchema schema = FeatureSchema::from(data);
  Request request(data, schema, 1);
  row.set(request);
  return message_of<InvalidArgument>([&] { (void)request.batch(); });
}

using Ids = std::vector<int64_t>;
using Numbers = std::vector<double>;

const std::string kBag = R"pb(feature {
                                name: "b"
                                bag { weight_column: "w" }
                              })pb";
const std::string kSequence = R"pb(feature {
                                     name: "s"
                                     sequence {
                                       side { column: "s" }
                                       side { column: "t" }
                                       nullable: false
                                     }
                                   })pb";

std::function<void(Request&)> bag(const Ids& ids, const Numbers& weights) {
  return [=](Request& r) {
    r.set_id_lists("b", Ids{0, static_cast<int64_t>(ids.size())}, ids);
    r.set_number_lists("w", Ids{0, static_cast<int64_t>(weights.size())}, weights);
  };
}

std::function<void(Request&)> sequence(const Ids& s, const Ids& t) {
  return [=](Request& r) {
    r.set_id_lists("s", Ids{0, static_cast<int64_t>(s.size())}, s);
    r.set_id_lists("t", Ids{0, static_cast<int64_t>(t.size())}, t);
  };
}

const std::string kId = R"pb(feature {
                               name: "x"
                               categorical { min_id: 3 max_id: 7 }
                             })pb";
const std::string kNumber = R"pb(feature {
                                   name: "x"
                                   number {}
                                 })pb";

std::function<void(Request&)> number(double x) {
  return [=](Request& r) { r.set_numbers("x", Numbers{x}); };
}

std::function<void(Request&)> id(int64_t key) {
  return [=](Request& r) { r.set_ids("x", Ids{key}); };
}

// Two columns of ids of one row, or a column of ids and one of weights.
std::vector<TestColumn> lists(const char* a, const char* a_json, const char* b, const char* type, const char* b_json) {
  return {{a, "list<int64>", a_json}, {b, type, b_json}};
}

std::vector<BadRow> bad_rows() {
  const std::string null = "null, but not nullable", nan = "NaN, but not nullable";
  const std::string null_or_nan = "null or NaN, but not nullable", in_list = "null in list, but not nullable";
  const std::string weight = "weight is null, NaN or infinite";
  return {
      {kId, {{"x", "int64", "[null]"}}, id(kMissingKey), "x", null},
      {kId, {{"x", "double", "[NaN]"}}, id(kMissingKey), "x", nan, null},
      {kId, {{"x", "int64", "[8]"}}, id(8), "x", "id outside [3, 7], got 8"},
      {kId, {{"x", "int64", "[-1]"}}, id(-1), "x", "id outside [3, 7], got -1"},
      {kNumber, {{"x", "double", "[null]"}}, number(kNan), "x", null, null_or_nan},
      {kNumber, {{"x", "double", "[NaN]"}}, number(kNan), "x", nan, null_or_nan},
      {kNumber, {{"x", "double", "[-Inf]"}}, number(-kInf), "x", "infinite"},
      {kNumber, {{"x", "double", "[1e300]"}}, number(1e300), "x", "too large for a 32-bit float, got 1"},
      {kBag, lists("b", "[[1, 2]]", "w", "list<double>", "[[1]]"), bag({1, 2}, {1}), "w",
       "list of length 1, but \"b\" has 2"},
      {kBag, lists("b", "[[1]]", "w", "list<double>", "[[-1]]"), bag({1}, {-1}), "w", "negative weight"},
      {kBag, lists("b", "[[1]]", "w", "list<double>", "[[null]]"), bag({1}, {kNan}), "w", weight},
      {kSequence, lists("s", "[[1, 2]]", "t", "list<int64>", "[[1, 2, 3]]"), sequence({1, 2}, {1, 2, 3}), "t",
       "list of length 3, but \"s\" has 2"},
      {kSequence, lists("s", "[[1]]", "t", "list<int64>", "[[null]]"), sequence({1}, {kMissingKey}), "t", in_list},
      {kSequence, lists("s", "[null]", "t", "list<int64>", "[null]"), [](Request&) {}, "s",
       "null list, but not nullable"},
  };
}

TEST(ValueFaults, ReaderAndRequestSayTheSame) {
  for (const BadRow& row : bad_rows()) {
    const std::string where = "row 0, column \"" + row.column + "\": ";
    EXPECT_TRUE(reader_says(row).starts_with(where + row.fault)) << reader_says(row) << "\nwanted " << row.fault;
    EXPECT_TRUE(request_says(row).starts_with("[serve] " + where + row.request_fault))
        << request_says(row) << "\nwanted " << row.request_fault;
  }
}

}  // namespace
}  // namespace polyscene::core::test
