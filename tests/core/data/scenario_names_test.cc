// Names of scenarios: which are kept, that all ranks come to the same ones, and what becomes of them in a file.
#include "core/data/scenario_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dist/world.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

std::string name_or_none(const ScenarioNames& names, int64_t key) {
  const std::string* name = names.find(key);
  return name == nullptr ? "(none)" : *name;
}

TEST(ScenarioNames, FirstNameOfAKeyStays) {
  ScenarioNames names;
  EXPECT_TRUE(names.empty());
  names.add(7, "cart");
  names.add(7, "other");
  EXPECT_EQ(name_or_none(names, 7), "cart");
  EXPECT_EQ(name_or_none(names, 8), "(none)");
  EXPECT_TRUE(names.complete());
}

TEST(ScenarioNames, OfTooManyTheSmallestKeysStayInAnyOrder) {
  ScenarioNames up(3), down(3);
  for (int64_t key = -2; key < 3; ++key) {
    up.add(key, std::to_string(key));
    down.add(-key, std::to_string(-key));
  }
  EXPECT_EQ(up, down);
  EXPECT_FALSE(up.complete());
  EXPECT_EQ(name_or_none(up, -2), "-2");
  EXPECT_EQ(name_or_none(up, 0), "0");
  EXPECT_EQ(name_or_none(up, 1), "(none)");
}

TEST(ScenarioNames, NamesAreTextOfALengthToRead) {
  ScenarioNames names;
  names.add(1, "\xff%a");  // no UTF-8
  EXPECT_EQ(name_or_none(names, 1), "%FF%25a");
  names.add(2, std::string(1001, 'x'));
  EXPECT_EQ(name_or_none(names, 2), std::string(1000, 'x') + "...");
  names.add(3, std::string(999, 'x') + "\xc3\xa9");  // the cut would be within a character
  EXPECT_EQ(name_or_none(names, 3), std::string(999, 'x') + "...");
}

TEST(ScenarioNames, RanksComeToTheSame) {
  dist::run_local_ranks(3, [](dist::Communicator& communicator) {
    ScenarioNames names(4), all(4);
    for (int64_t key = 0; key < 6; ++key) all.add(key, "name " + std::to_string(key));
    for (int64_t key = communicator.rank(); key < 6; key += 3) names.add(key, "name " + std::to_string(key));
    EXPECT_TRUE(names.complete());
    names.share(communicator);
    EXPECT_EQ(names, all);
    EXPECT_FALSE(names.complete());
    if (communicator.rank() == 1) names.add(-1, "later");
    names.share(communicator);
    EXPECT_EQ(name_or_none(names, -1), "later");
    EXPECT_EQ(name_or_none(names, 3), "(none)");
  });
}

TEST(ScenarioNames, JsonAndBack) {
  ScenarioNames names;
  names.add(-5, "a \"b\"\n");
  names.add(int64_t{1} << 62, "");
  EXPECT_EQ(names.to_json(),
            "{\n \"complete\": true,\n \"format\": 1,\n \"names\": {\n  \"-5\": \"a \\\"b\\\"\\n\",\n"
            "  \"4611686018427387904\": \"\"\n }\n}\n");
  EXPECT_EQ(ScenarioNames::from_json(names.to_json(), "f"), names);
  ScenarioNames few(1);
  few.add(1, "a");
  few.add(2, "b");
  EXPECT_EQ(ScenarioNames::from_json(few.to_json(), "f"), few);
}

TEST(ScenarioNames, DamagedJson) {
  const auto error = [](const std::string& text) {
    return message_of<DataError>([&] { (void)ScenarioNames::from_json(text, "x/scenarios.json"); });
  };
  for (const char* text :
       {"", "[]", R"({"format":1,"complete":true})", R"({"format":1,"complete":1,"names":{}})",
        R"({"format":1,"complete":true,"names":{"x":"a"}})", R"({"format":1,"complete":true,"names":{"1":2}})"})
    EXPECT_EQ(error(text), "[data] x/scenarios.json is not a list of scenario names; it is damaged") << text;
  EXPECT_EQ(
      error(R"({"format":2,"complete":true,"names":{}})"),
      "[data] x/scenarios.json is of another format than this program reads, 1; use the program that wrote it, or "
      "a newer one");
}

// Names that come with the batches of an epoch, and in which batch.
std::vector<std::vector<std::string>> names_read(const TestColumn& column, const std::string& more = "") {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {column, {"x", "int64", "[1, 1, 1, 1, 1, null]"}});
  const auto data = data_config(folder, "scenario_column: \"s\" max_bad_share: 1 lanes: 1 " + more);
  const auto source = make_parquet_source(data, {.batch_size = 2, .shuffle = false, .min_tail_share = 0});
  std::vector<std::vector<std::string>> names;
  for (int epoch = 0; epoch < 2; ++epoch) {  // each tells all of them
    names.clear();
    for (const Batch& b : read_epoch(*source, epoch)) {
      names.emplace_back();
      for (const auto& [key, name] : b.scenario_names) {
        EXPECT_NE(std::ranges::find(b.scenario, key), b.scenario.end());
        names.back().push_back(name);
      }
    }
  }
  return names;
}

TEST(ScenarioNames, ComeWithTheFirstBatchThatHasThem) {
  const std::vector<std::vector<std::string>> wanted = {{"b", "a"}, {"c"}, {}};
  for (const char* type : {"string", "large_string", "binary", "dictionary<string>"})
    EXPECT_EQ(names_read({"s", type, R"(["b", "a", "a", "c", "c", "b"])"}), wanted) << type;
  EXPECT_EQ(names_read({"s", "uint64", "[1, 18446744073709551615, 1, 9223372036854775809, 2, 2]"}),
            (std::vector<std::vector<std::string>>{{"18446744073709551615"}, {"9223372036854775809"}, {}}));
  EXPECT_EQ(names_read({"s", "int64", "[1, -1, 1, 1, 2, 2]"}), (std::vector<std::vector<std::string>>{{}, {}, {}}));
}

TEST(ScenarioNames, OfBadAndSkippedRowsDoNotCome) {
  const TestColumn column = {"s", "string", R"(["b", "a", null, "c", "d", "e"])"};
  EXPECT_EQ(names_read(column, R"pb(only_scenarios: "a"
                                    only_scenarios: "e"
                                    feature {
                                      name: "x"
                                      categorical {}
                                    })pb"),
            (std::vector<std::vector<std::string>>{{"a"}, {}, {}}));
}

}  // namespace
}  // namespace polyscene::core::test
