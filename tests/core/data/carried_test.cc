// Columns that pass through: the files' own values, in whatever order batches come and however many ranks read them.
#include <arrow/array/array_base.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <map>

#include "core/data/absent_columns.h"
#include "core/data/carried_columns.h"
#include "core/data/gather_carried.h"
#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr char kX[] = R"pb(feature {
                             name: "x"
                             categorical {}
                           })pb";

CarriedColumn key(const std::string& column) { return {column, column, "somebody", true}; }
CarriedColumn as_is(const std::string& column) { return {column, column, "--carry", false}; }

// One value, as Arrow prints it.
std::string text_of(const arrow::RecordBatch& rows, int column, int64_t row) {
  const auto value = rows.column(column)->GetScalar(row);
  return value.ok() ? (*value)->ToString() : value.status().ToString();
}

std::vector<std::string> values_of(const arrow::RecordBatch& rows, int column) {
  std::vector<std::string> values;
  for (int64_t row = 0; row < rows.num_rows(); ++row) values.push_back(text_of(rows, column, row));
  return values;
}

using Texts = std::vector<std::string>;

class Carried : public ::testing::Test {
 protected:
  // Each file has the columns and, of as many rows, x.
  void write(const std::string& name, std::vector<TestColumn> columns, int64_t rows) const {
    columns.push_back({"x", "int64", json_list(rows, [](int64_t i) { return std::to_string(i); })});
    write_parquet(folder_.file(name), columns);
  }

  [[nodiscard]] std::unique_ptr<BatchSource> open(const std::vector<CarriedColumn>& carry) const {
    return make_parquet_source(data_config(folder_, std::string("lanes: 1 max_bad_share: 1 ") + kX),
                               {.batch_size = 1 << 20, .shuffle = false, .min_tail_share = 0, .carry = carry});
  }

  // The type of a carried key and its values.
  [[nodiscard]] std::pair<std::string, Texts> read_key() const {
    const auto source = open({key("k")});
    const auto rows = read_epoch(*source).at(0).carried;
    EXPECT_TRUE(rows->schema()->Equals(source->carried_schema()));
    EXPECT_TRUE(rows->Validate().ok());
    return {rows->column(0)->type()->ToString(), values_of(*rows, 0)};
  }

  [[nodiscard]] std::string error(const std::vector<CarriedColumn>& carry) const {
    return message_of<DataError>([&] { (void)read_epoch(*open(carry)); });
  }

  TempFolder folder_;
};

TEST_F(Carried, KeysOfOneFile) {
  const std::map<std::string, std::pair<std::string, std::string>> wanted = {
      {"int8", {"int64", "[1, null, -3]"}},
      {"uint32", {"int64", "[1, null, 4294967295]"}},
      {"int64", {"int64", "[1, null, -3]"}},
      {"uint64", {"uint64", "[1, null, 18446744073709551615]"}},
      {"string", {"string", R"(["a", null, ""])"}},
      {"large_string", {"string", R"(["a", null, ""])"}},
      {"binary", {"binary", R"(["a", null, ""])"}},
      {"dictionary<string>", {"string", R"(["a", null, ""])"}},
      {"string_view", {"string", R"(["a", null, ""])"}},
  };
  const std::map<std::string, Texts> values = {
      {"[1, null, -3]", {"1", "null", "-3"}},
      {"[1, null, 4294967295]", {"1", "null", "4294967295"}},
      {"[1, null, 18446744073709551615]", {"1", "null", "18446744073709551615"}},
      {R"(["a", null, ""])", {"a", "null", ""}}};
  for (const auto& [type, expected] : wanted) {
    write("a.parquet", {{"k", type, expected.second}}, 3);
    const auto [read_type, read_values] = read_key();
    EXPECT_EQ(read_type, expected.first) << type;
    if (type == "binary") continue;  // which Arrow prints as numbers
    EXPECT_EQ(read_values, values.at(expected.second)) << type;
  }
  write("a.parquet", {{"k", "bool", "[true, null, false]"}}, 3);
  EXPECT_EQ(read_key(), std::pair(std::string("int64"), Texts{"1", "null", "0"}));
}

TEST_F(Carried, KeysWhoseTypeDiffersFromFileToFile) {
  write("a.parquet", {{"k", "string", R"(["a"])"}}, 1);
  write("b.parquet", {{"k", "dictionary<string>", R"(["b"])"}}, 1);
  EXPECT_EQ(read_key(), std::pair(std::string("string"), Texts{"a", "b"}));
  write("a.parquet", {{"k", "uint8", "[1]"}}, 1);
  write("b.parquet", {{"k", "uint64", "[18446744073709551615]"}}, 1);
  EXPECT_EQ(read_key(), std::pair(std::string("uint64"), Texts{"1", "18446744073709551615"}));
  write("a.parquet", {{"k", "int16", "[-1]"}}, 1);
  write("b.parquet", {{"k", "uint64", "[9223372036854775807]"}}, 1);
  EXPECT_EQ(read_key(), std::pair(std::string("int64"), Texts{"-1", "9223372036854775807"}));
  write("b.parquet", {{"k", "uint64", "[9223372036854775808]"}}, 1);
  EXPECT_EQ(error({key("k")}),
            "[data] column \"k\" holds 9223372036854775808, and signed integers in other files; write one type to all "
            "files");
}

TEST_F(Carried, KeysOfOtherTypesStayWhatTheyAre) {
  write("a.parquet", {{"k", "double", "[1.5, null]"}}, 2);
  write("b.parquet", {{"k", "double", "[2]"}}, 1);
  EXPECT_EQ(read_key(), std::pair(std::string("double"), Texts{"1.5", "null", "2"}));
}

TEST_F(Carried, FilesThatHaveNothingButNulls) {
  for (const auto& [type, value] : {std::pair("string", R"(["a"])"), std::pair("uint64", "[7]")}) {
    write("a.parquet", {{"k", "null", "[null]"}, {"v", "null", "[null]"}}, 1);
    write("b.parquet", {{"k", type, value}, {"v", "list<int64>", "[[1]]"}}, 1);
    write("c.parquet", {{"k", "null", "[null]"}, {"v", "null", "[null]"}}, 1);
    const auto [read_type, values] = read_key();
    EXPECT_EQ(read_type, type);
    EXPECT_EQ(values, (Texts{"null", std::string(type) == "string" ? "a" : "7", "null"}));
    const auto rows = read_epoch(*open({as_is("v")})).at(0).carried;
    EXPECT_EQ(values_of(*rows, 0), (Texts{"null", "list<element: int64>[1]", "null"}));
  }
  std::filesystem::remove(folder_.file("b.parquet"));
  EXPECT_EQ(read_key(), std::pair(std::string("int64"), Texts{"null", "null"}));
}

TEST_F(Carried, WithoutAColumnTheRunningNumber) {
  write("a.parquet", {}, 3);
  write("b.parquet", {}, 2);
  const auto source = open({{"", "row_key", "row_key_column", true}});
  EXPECT_EQ(values_of(*read_epoch(*source).at(0).carried, 0), (Texts{"0", "1", "2", "3", "4"}));
}

TEST_F(Carried, OthersKeepTheirType) {
  const std::vector<TestColumn> columns = {{"u", "uint8", "[1, 2, null]"},
                                           {"f", "float", "[1.5, null, -2]"},
                                           {"t", "timestamp", "[1000000, null, 5]"},
                                           {"d", "date32", "[1, 2, 3]"},
                                           {"l", "list<string>", R"([["a", null], null, []])"},
                                           {"n", "list<list<int64>>", "[[[1], []], null, [[2, 3]]]"},
                                           {"c", "dictionary<string>", R"(["a", null, "b"])"},
                                           {"b", "bool", "[true, false, null]"}};
  write("a.parquet", columns, 3);
  std::vector<CarriedColumn> carry;
  for (const TestColumn& column : columns) carry.push_back(as_is(column.name));
  const auto source = open(carry);
  const auto rows = read_epoch(*source).at(0).carried;
  ASSERT_TRUE(rows->ValidateFull().ok());
  EXPECT_TRUE(rows->schema()->Equals(source->carried_schema()));
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& column = rows->column(static_cast<int>(c));
    if (columns[c].type.starts_with("dictionary")) {
      EXPECT_EQ(values_of(*rows, static_cast<int>(c)).at(1), "null");
      EXPECT_EQ(column->type()->ToString(), "dictionary<values=string, indices=int32, ordered=0>");
      continue;
    }
    const auto wanted = arrow::json::ArrayFromJSONString(column->type(), columns[c].json);
    ASSERT_TRUE(wanted.ok()) << wanted.status().ToString();
    EXPECT_TRUE(column->Equals(*wanted)) << columns[c].name << ": " << column->ToString();
  }
}

TEST_F(Carried, RefusedAtTheStart) {
  write("a.parquet", {{"note", "int32", "[1]"}, {"k", "int64", "[1]"}, {"f", "list<int64>", "[[1]]"}}, 1);
  write("b.parquet", {{"note", "int64", "[1]"}, {"k", "string", R"(["a"])"}, {"f", "list<int64>", "[[1]]"}}, 1);
  const auto quoted = [&](const char* name) { return '"' + folder_.file(name) + '"'; };
  const auto opened = [&](const CarriedColumn& column) { return message_of<DataError>([&] { (void)open({column}); }); };
  EXPECT_EQ(opened(as_is("notes")),
            "[data] " + quoted("a.parquet") + " has no column \"notes\", wanted by --carry; did you mean \"note\"?");
  EXPECT_EQ(opened(as_is("note")),
            "[data] " + quoted("b.parquet") +
                ", column \"note\": --carry wants one type in all files, got int64, and int32 in " +
                quoted("a.parquet") + "; write one type to all files, or leave the column out");
  EXPECT_EQ(opened(key("k")), "[data] " + quoted("b.parquet") +
                                  ", column \"k\": somebody wants one type in all files, got string, and int64 in " +
                                  quoted("a.parquet") + "; write one type to all files, or leave the column out");
}

// Shuffled, over several files, row groups, windows and ranks, with bad rows in between: each row keeps its values.
TEST_F(Carried, GoWithTheirRows) {
  constexpr int64_t kRows = 3000;
  for (int64_t f = 0; f < 3; ++f) {
    const auto id = [&](int64_t i) { return f * kRows + i; };
    write_parquet(folder_.file(str(f, ".parquet")),
                  {{"x", "int64", json_list(kRows, [&](int64_t i) { return i % 7 == 0 ? "null" : str(id(i)); })},
                   {"k", "string", json_list(kRows, [&](int64_t i) { return str("\"row ", id(i), '"'); })},
                   {"l", "list<int64>", json_list(kRows, [&](int64_t i) { return str('[', id(i), ']'); })}},
                  700);
  }
  const auto data = data_config(folder_, str("lanes: 4 shuffle_window: 900 max_bad_share: 1 ", kX));
  int64_t rows = 0;
  for (int rank = 0; rank < 2; ++rank) {
    const auto source = make_parquet_source(
        data, {.rank = rank, .ranks = 2, .batch_size = 500, .min_tail_share = 0, .carry = {key("k"), as_is("l")}});
    for (const Batch& batch : read_epoch(*source, 1)) {
      ASSERT_EQ(batch.carried->num_rows(), batch.rows);
      for (int64_t row = 0; row < batch.rows; ++row) {
        const int64_t x = batch.fields[0][static_cast<size_t>(row)];
        ASSERT_EQ(text_of(*batch.carried, 0, row), str("row ", x));
        ASSERT_EQ(text_of(*batch.carried, 1, row), str("list<element: int64>[", x, ']'));
      }
      rows += batch.rows;
    }
  }
  EXPECT_EQ(rows, 3 * (kRows - (kRows + 6) / 7));
}

TEST_F(Carried, NothingIsCarriedUnlessAsked) {
  write("a.parquet", {{"k", "string", R"(["a"])"}}, 1);
  EXPECT_EQ(read_epoch(*open({})).at(0).carried, nullptr);
}

TEST_F(Carried, GatheredInTheOrderOfRanks) {
  write("a.parquet",
        {{"k", "string", R"(["a", null, "c", "d"])"}, {"c", "dictionary<string>", R"(["p", "q", null, "p"])"}}, 4);
  for (const int ranks : {1, 3}) {
    dist::run_local_ranks(ranks, [&](dist::Communicator& communicator) {
      const auto source = open({key("k"), as_is("c")});
      const auto all = read_epoch(*source).at(0).carried;
      // Rank r has the first r rows: the first of several has none.
      const auto mine = ranks == 1 ? all : all->Slice(0, communicator.rank());
      const auto gathered = gather_carried(mine, communicator);
      ASSERT_EQ(gathered.size(), static_cast<size_t>(ranks));
      for (int rank = 0; rank < ranks; ++rank) {
        const auto& rows = gathered[static_cast<size_t>(rank)];
        EXPECT_TRUE(rows->Equals(*(ranks == 1 ? all : all->Slice(0, rank)))) << rows->ToString();
      }
    });
  }
}

TEST(PredictionColumns, KeysThenTheOthers) {
  config::Data data;
  data.add_group()->set_name("user");
  data.mutable_group(0)->set_column("user_id");
  data.add_label()->set_name("click");
  const auto names = [&](const std::vector<std::string>& more) {
    std::string text;
    for (const CarriedColumn& c : prediction_columns(data, more))
      text += str(c.name, '=', c.column, c.key ? "! " : " ");
    return text;
  };
  EXPECT_EQ(names({}), "row_key=! group_user=user_id! ");
  data.set_scenario_column("tab");
  data.set_row_key_column("id");
  EXPECT_EQ(names({"b", "tab"}), "row_key=id! scenario=tab! group_user=user_id! b=b tab=tab ");
}

TEST(PredictionColumns, OthersHaveNamesOfTheirOwn) {
  config::Data data;
  data.set_scenario_column("tab");
  data.add_group()->set_name("user");
  data.add_label()->set_name("click");
  const auto error = [&](const std::vector<std::string>& more) {
    return message_of<InvalidArgument>([&] { (void)prediction_columns(data, more); });
  };
  for (const char* name : {"row_key", "scenario", "group_user", "label_click", "logit", "probability"})
    EXPECT_EQ(error({"a", name}), str("[data] wanted --carry columns with names that predictions do not have, got \"",
                                      name, "\"; leave it out, or rename it in the file"));
  EXPECT_EQ(error({"a", "b", "a"}), "[data] --carry names column \"a\" twice; name it once");
  EXPECT_EQ(error({""}), "[data] wanted names of columns to carry, got an empty one; write --carry COLUMN,...");
}

TEST(AbsentColumns, AreThoseOfNoFile) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"x", "int64", "[1]"}, {"buy", "int8", "[1]"}});
  write_parquet(folder.file("b.parquet"), {{"x", "int64", "[1]"}, {"click", "int8", "[1]"}});
  config::Data data = data_config(folder, R"pb(train_files: "a.parquet"
                                               label { name: "click" }
                                               label { name: "bought" column: "buy" }
                                               label { name: "liked" })pb");
  EXPECT_EQ(absent_columns(data, Split::kTrain, {"x", "click", "y"}), (Texts{"click", "y"}));
  leave_out_absent_labels(data, Split::kTrain);
  ASSERT_EQ(data.label_size(), 1);
  EXPECT_EQ(data.label(0).name(), "bought");
  data.add_train_files("b.parquet");
  EXPECT_EQ(message_of<DataError>([&] { (void)absent_columns(data, Split::kTrain, {"click"}); }),
            str("[data] \"", folder.file("a.parquet"), "\" has no column \"click\", \"", folder.file("b.parquet"),
                "\" has it; write it to all files or to none"));
}

}  // namespace
}  // namespace polyscene::core::test
