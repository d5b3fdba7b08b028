// Integers and texts that share a table: refused before the first row, whichever columns, files and splits have them.
#include "core/features/id_kinds.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr char kFeatures[] = R"pb(feature {
                                    name: "user"
                                    categorical {}
                                  }
                                  feature {
                                    name: "item"
                                    categorical { table: "goods" }
                                  }
                                  feature {
                                    name: "hist"
                                    sequence { side { column: "hist" target: "item" } }
                                  }
                                  feature {
                                    name: "tags"
                                    bag { table: "goods" }
                                  }
                                  group { name: "who" column: "user" })pb";
constexpr char kWhy[] = "; strings are hashed and never equal integers: write both as integers or both as strings";

class IdKindsOfFiles : public ::testing::Test {
 protected:
  // A file with ids of these types, one row, or none.
  void write(const std::string& name, const std::string& user, const std::string& item, const std::string& list,
             bool rows = true) {
    const auto ids = [&](const std::string& type) -> std::string {
      if (!rows) return "[]";
      if (type.find("null") != std::string::npos) return "[null]";
      const std::string one = type.find("string") == std::string::npos ? "1" : "\"1\"";
      return type.starts_with("list") ? "[[" + one + "]]" : "[" + one + "]";
    };
    write_parquet(
        folder_.file(name),
        {{"user", user, ids(user)}, {"item", item, ids(item)}, {"hist", list, ids(list)}, {"tags", list, ids(list)}});
  }

  [[nodiscard]] std::unique_ptr<BatchSource> open(const IdKinds* ids = nullptr, const std::string& more = "") const {
    return make_parquet_source(data_config(folder_, kFeatures + more), {.batch_size = 1, .ids = ids});
  }

  [[nodiscard]] std::string refused(const IdKinds* ids = nullptr, const std::string& more = "") const {
    return message_of<DataError>([&] { (void)open(ids, more); });
  }

  [[nodiscard]] std::string has(const std::string& column, const std::string& file, const std::string& type) const {
    return "column \"" + column + "\" of \"" + folder_.file(file) + "\" has " + type;
  }

  TempFolder folder_;
};

TEST_F(IdKindsOfFiles, OneColumnInTwoFiles) {
  write("a.parquet", "int64", "int64", "list<int64>");
  write("b.parquet", "string", "int64", "list<int64>");
  EXPECT_EQ(refused(), "[data] wanted ids of one kind for table \"user\", but " + has("user", "a.parquet", "int64") +
                           ", and " + has("user", "b.parquet", "string") + kWhy);
}

TEST_F(IdKindsOfFiles, TwoColumnsOfOneTable) {
  write("a.parquet", "int64", "dictionary<string>", "list<int32>");
  EXPECT_EQ(refused(), "[data] wanted ids of one kind for table \"goods\", but " +
                           has("item", "a.parquet", "dictionary<values=string, indices=int32, ordered=0>") + ", and " +
                           has("hist", "a.parquet", "list<element: int32>") + kWhy);
}

TEST_F(IdKindsOfFiles, GroupsScenariosAndRowKeys) {
  const auto users = [&](const std::string& config) {
    return message_of<DataError>([&] { (void)make_parquet_source(data_config(folder_, config), {.batch_size = 1}); });
  };
  write("a.parquet", "int64", "int64", "list<int64>");
  write("b.parquet", "string", "int64", "list<int64>");
  const std::string rest =
      ", but " + has("user", "a.parquet", "int64") + ", and " + has("user", "b.parquet", "string") + kWhy;
  EXPECT_EQ(users(R"pb(group { name: "g" column: "user" })pb"), "[data] wanted ids of one kind for group \"g\"" + rest);
  EXPECT_EQ(users(R"pb(scenario_column: "user")pb"), "[data] wanted ids of one kind for scenario_column" + rest);
  EXPECT_EQ(users(R"pb(row_key_column: "user")pb"), "[data] wanted ids of one kind for row_key_column" + rest);
}

TEST_F(IdKindsOfFiles, WidthsNullsAndFilesWithoutRowsSuitAny) {
  write("a.parquet", "null", "int64", "null");
  write("b.parquet", "string", "uint8", "list<null>");
  write("c.parquet", "string", "bool", "list<int16>");
  write("d.parquet", "int64", "string", "list<string>", /*rows=*/false);
  EXPECT_EQ(refused(), "(nothing was thrown)");
}

TEST_F(IdKindsOfFiles, AnotherSplitMustAgree) {
  write("a.parquet", "int64", "int64", "list<int64>");
  const auto trained = open();
  const IdKinds ids = trained->files().ids.of_tables();
  std::filesystem::create_directory(folder_.file("v"));
  write("v/b.parquet", "string", "int64", "list<int64>");
  EXPECT_EQ(refused(&ids, "train_files: \"v/*\""), "[data] wanted ids of one kind for table \"user\", but " +
                                                       has("user", "a.parquet", "int64") + ", and " +
                                                       has("user", "v/b.parquet", "string") + kWhy);
}

TEST_F(IdKindsOfFiles, AModelsFilesMustAgree) {
  write("a.parquet", "int64", "string", "list<string>");
  config::Data saved;
  open()->files().ids.save(saved);
  std::string text;
  google::protobuf::TextFormat::PrintToString(saved, &text);
  EXPECT_EQ(text,
            "id_kind {\n  table: \"goods\"\n  kind: TEXTS\n}\nid_kind {\n  table: \"user\"\n  kind: INTEGERS\n}\n");
  EXPECT_EQ(refused(nullptr, text), "(nothing was thrown)");
  write("a.parquet", "string", "string", "list<string>");
  EXPECT_EQ(refused(nullptr, text),
            "[data] wanted ids of one kind for table \"user\", but the model was trained with "
            "integers, and " +
                has("user", "a.parquet", "string") + kWhy);
}

}  // namespace
}  // namespace polyscene::core::test
