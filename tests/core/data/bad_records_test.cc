// Records that are dropped: why, how they are counted and written down, and when they stop the job.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/data/batch_builder.h"
#include "core/data/reject_log.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

using Keys = std::vector<int64_t>;

std::string contents(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Outcome {
  Keys kept;                         // row keys
  std::vector<std::string> reasons;  // `row column: reason (value)` in file order
};

// Reads one file whose rows may all be bad; lines of the reject file taken apart.
Outcome read_some(const std::vector<TestColumn>& columns, const std::string& config) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), columns);
  auto data = data_config(folder, config);
  data.set_max_bad_share(1);
  data.set_lanes(1);
  const auto source = make_parquet_source(
      data, {.batch_size = 100, .shuffle = false, .min_tail_share = 0, .reject_file = folder.file("bad.jsonl")});
  Outcome out;
  for (const Batch& b : read_epoch(*source)) out.kept.insert(out.kept.end(), b.row_keys.begin(), b.row_keys.end());
  std::istringstream lines(contents(folder.file("bad.jsonl")));
  const std::string prefix = "{\"file\": \"" + folder.file("a.parquet") + "\", ";
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with(prefix)) << line;
    out.reasons.push_back(line.substr(prefix.size()));
  }
  EXPECT_EQ(source->counters().rows_bad, static_cast<int64_t>(out.reasons.size()));
  return out;
}

std::string line(int64_t row, const std::string& column, const std::string& reason, const std::string& value) {
  return str("\"row\": ", row, ", \"column\": \"", column, "\", \"reason\": \"", reason, "\", \"value\": \"", value,
             "\"}");
}

TEST(BadRecords, NullWhereNoneIsAllowed) {
  const Outcome o = read_some({{"x", "int64", "[1, null, 3]"}}, R"pb(feature {
                                                                       name: "x"
                                                                       categorical {}
                                                                     })pb");
  EXPECT_EQ(o.kept, (Keys{0, 2}));
  EXPECT_EQ(o.reasons, (std::vector<std::string>{line(1, "x", "null, but not nullable", "null")}));
}

TEST(BadRecords, IdOutsideItsRange) {
  const Outcome o = read_some({{"x", "int32", "[2, 3, 8, -1, 7]"}}, R"pb(feature {
                                                                           name: "x"
                                                                           categorical { min_id: 3 max_id: 7 }
                                                                         })pb");
  EXPECT_EQ(o.kept, (Keys{1, 4}));
  EXPECT_EQ(o.reasons,
            (std::vector<std::string>{line(0, "x", "id outside [3, 7]", "2"), line(2, "x", "id outside [3, 7]", "8"),
                                      line(3, "x", "id outside [3, 7]", "-1")}));
}

TEST(BadRecords, TheIdReservedForNull) {
  const Outcome o =
      read_some({{"x", "int64", "[-9223372036854775808, -9223372036854775807]"}, {"l", "list<int64>", "[[1], [2]]"}},
                R"pb(feature {
                       name: "x"
                       categorical { nullable: true }
                     }
                     feature {
                       name: "l"
                       bag {}
                     })pb");
  EXPECT_EQ(o.kept, (Keys{1}));
  EXPECT_EQ(o.reasons,
            (std::vector<std::string>{line(0, "x", "id is the number reserved for null", "-9223372036854775808")}));
}

TEST(BadRecords, NumbersThatAreNone) {
  const Outcome o = read_some({{"x", "float", "[1, NaN, Inf, -Inf, null]"}}, R"pb(feature {
                                                                                    name: "x"
                                                                                    number {}
                                                                                  })pb");
  EXPECT_EQ(o.kept, (Keys{0}));
  EXPECT_EQ(o.reasons, (std::vector<std::string>{line(1, "x", "NaN, but not nullable", "nan"),
                                                 line(2, "x", "infinite", "inf"), line(3, "x", "infinite", "-inf"),
                                                 line(4, "x", "null, but not nullable", "null")}));
  EXPECT_EQ(read_some({{"x", "double", "[NaN, Inf, null]"}}, R"pb(feature {
                                                                    name: "x"
                                                                    number { nullable: true }
                                                                  })pb")
                .kept,
            (Keys{0, 2}));
  EXPECT_EQ(read_some({{"x", "double", "[1e300, 1e300]"}}, R"pb(feature {
                                                                  name: "x"
                                                                  number {}
                                                                })pb")
                .reasons.size(),
            2u);
  EXPECT_EQ(read_some({{"x", "double", "[1e300, Inf]"}}, R"pb(feature {
                                                                name: "x"
                                                                number { boundary: 0 }
                                                              })pb")
                .kept,
            (Keys{0}));
}

TEST(BadRecords, LabelsOtherThanZeroAndOne) {
  const Outcome o = read_some({{"y", "double", "[0, 1, 2, 0.5, NaN, null, -1]"}}, R"pb(label { name: "y" })pb");
  EXPECT_EQ(o.kept, (Keys{0, 1}));
  EXPECT_EQ(o.reasons, (std::vector<std::string>{
                           line(2, "y", "label outside {0, 1}", "2"), line(3, "y", "label outside {0, 1}", "0.5"),
                           line(4, "y", "label outside {0, 1}", "nan"), line(5, "y", "null label", "null"),
                           line(6, "y", "label outside {0, 1}", "-1")}));
}

TEST(BadRecords, SidesOfUnequalLength) {
  const Outcome o = read_some(
      {{"v", "list<int64>", "[[1, 2], [3], [], null, null]"}, {"t", "list<int64>", "[[1, 2], [3, 4], [], [], [5]]"}},
      R"pb(feature {
             name: "h"
             sequence {
               side { column: "v" }
               side { column: "t" }
             }
           })pb");
  EXPECT_EQ(o.kept, (Keys{0, 2, 3}));
  EXPECT_EQ(o.reasons, (std::vector<std::string>{
                           line(1, "t", "list of length 2, but \\\"v\\\" has 1", "list<element: int64>[3, 4]"),
                           line(4, "t", "list of length 1, but \\\"v\\\" has 0", "list<element: int64>[5]")}));
}

TEST(BadRecords, NullListsAndNullElementsWhereNoneAreAllowed) {
  const Outcome o =
      read_some({{"v", "list<int64>", "[[1], null, [2, null]]"}, {"b", "list<string>", R"([["x"], ["y"], ["z"]])"}},
                R"pb(feature {
                       name: "h"
                       sequence {
                         side { column: "v" }
                         nullable: false
                       }
                     }
                     feature {
                       name: "b"
                       bag { nullable: false }
                     })pb");
  EXPECT_EQ(o.kept, (Keys{0}));
  ASSERT_EQ(o.reasons.size(), 2u);
  EXPECT_EQ(o.reasons[0], line(1, "v", "null list, but not nullable", "null"));
  EXPECT_TRUE(o.reasons[1].find("null in list, but not nullable") != std::string::npos) << o.reasons[1];
}

TEST(BadRecords, Weights) {
  const Outcome o = read_some({{"b", "list<int64>", "[[1, 2], [3], [4], [5], [6], [7]]"},
                               {"w", "list<double>", "[[1, 0], [-1], [NaN], [null], [1, 2], [1e300]]"}},
                              R"pb(feature {
                                     name: "b"
                                     bag { weight_column: "w" }
                                   })pb");
  EXPECT_EQ(o.kept, (Keys{0}));
  ASSERT_EQ(o.reasons.size(), 5u);
  EXPECT_NE(o.reasons[0].find("\"negative weight\""), std::string::npos);
  for (const size_t i : {1u, 2u, 4u}) {
    EXPECT_NE(o.reasons[i].find("\"weight is null, NaN or infinite\""), std::string::npos) << o.reasons[i];
  }
  EXPECT_NE(o.reasons[3].find("list of length 2, but"), std::string::npos);
}

TEST(BadRecords, NullScenarioRowKeyAndTimeButNotGroup) {
  const std::vector<TestColumn> columns = {{"s", "string", R"(["a", null])"},
                                           {"k", "int64", "[null, 2]"},
                                           {"t", "int64", "[1, null]"},
                                           {"u", "int64", "[null, null]"}};
  EXPECT_EQ(read_some(columns, R"pb(scenario_column: "s")pb").reasons,
            (std::vector<std::string>{line(1, "s", "null, but not nullable", "null")}));
  EXPECT_EQ(read_some(columns, R"pb(row_key_column: "k")pb").reasons,
            (std::vector<std::string>{line(0, "k", "null, but not nullable", "null")}));
  EXPECT_EQ(read_some(columns, R"pb(time_column: "t")pb").reasons,
            (std::vector<std::string>{line(1, "t", "null, but not nullable", "null")}));
  EXPECT_EQ(read_some(columns, R"pb(group { name: "u" })pb").kept, (Keys{0, 1}));
}

TEST(BadRecords, ARowIsCountedOnceWithItsFirstReason) {
  const Outcome o = read_some({{"x", "int64", "[null]"}, {"y", "int64", "[7]"}}, R"pb(feature {
                                                                                        name: "x"
                                                                                        categorical {}
                                                                                      }
                                                                                      label { name: "y" })pb");
  EXPECT_EQ(o.reasons, (std::vector<std::string>{line(0, "x", "null, but not nullable", "null")}));
}

TEST(BadRecords, JsonIsEscaped) {
  EXPECT_EQ(json_line("a\"b", {.row_in_file = 3, .column = "c\\d", .reason = "new\nline", .value = "h\xc3\xa9\x01"}),
            "{\"file\": \"a\\\"b\", \"row\": 3, \"column\": \"c\\\\d\", \"reason\": \"new\\u000aline\", "
            "\"value\": \"h\xc3\xa9\\u0001\"}\n");
  EXPECT_EQ(json_line("f", {.column = "c", .reason = "r", .value = "\xff!"}),
            "{\"file\": \"f\", \"row\": 0, \"column\": \"c\", \"reason\": \"r\", \"value\": \"?!\"}\n");
}

// 3000 rows of which every `period`-th is bad.
void write_some_bad(const TempFolder& folder, int64_t period) {
  const auto write = [&](const std::string& name, int64_t first) {
    write_parquet(folder.file(name),
                  {{"id", "int64", json_list(1500, [&](int64_t i) { return std::to_string(first + i); })},
                   {"h", "list<int64>", json_list(1500, [&](int64_t i) { return str("[", first + i, ",1]"); })},
                   {"y", "int64", json_list(1500, [&](int64_t i) { return (first + i) % period == 5 ? "9" : "1"; })}},
                  400);
  };
  write("a.parquet", 0);
  write("b.parquet", 1500);
}

constexpr char kSomeBad[] = R"pb(
  feature {
    name: "h"
    sequence { side { column: "h" } }
  }
  label { name: "y" }
  row_key_column: "id"
  lanes: 4
)pb";

TEST(BadRecords, ABatchGetsShorterAndNoOtherRowMoves) {
  const TempFolder bad, good;
  write_some_bad(bad, 100);
  write_some_bad(good, 10000000);
  auto bad_data = data_config(bad, kSomeBad);
  bad_data.set_max_bad_share(0.02);
  const SourceOptions options{.batch_size = 64, .min_tail_share = 0};
  const auto bad_source = make_parquet_source(bad_data, options);
  const auto shorter = read_epoch(*bad_source);
  // Row 5 is bad in every file of this kind.
  auto good_data = data_config(good, kSomeBad);
  good_data.set_max_bad_share(0.02);
  const auto whole = read_epoch(*make_parquet_source(good_data, options));
  ASSERT_EQ(shorter.size(), whole.size());
  for (size_t s = 0; s < whole.size(); ++s) {
    Keys expected;
    for (const int64_t id : whole[s].row_keys) {
      if (id % 100 != 5) expected.push_back(id);
    }
    Keys without_five;
    for (const int64_t id : shorter[s].row_keys) without_five.push_back(id);
    EXPECT_EQ(without_five, expected);
    EXPECT_EQ(shorter[s].global_rows, whole[s].global_rows);  // as planned, bad rows included
    for (size_t i = 0; i < shorter[s].row_keys.size(); ++i) {
      EXPECT_EQ(shorter[s].sequences[0].sides[0][2 * i], shorter[s].row_keys[i]);
    }
  }
  EXPECT_EQ(bad_source->counters().rows_bad, 30);
  EXPECT_EQ(bad_source->counters().rows_read, 3000);
}

TEST(BadRecords, RejectFileHoldsEachRowOnceOverEpochs) {
  const TempFolder folder;
  write_some_bad(folder, 100);
  auto data = data_config(folder, kSomeBad);
  data.set_max_bad_share(0.02);
  data.set_threads(2);
  std::string lines;
  for (int rank = 0; rank < 3; ++rank) {
    const std::string path = folder.file("bad.jsonl");
    const auto source = make_parquet_source(
        data, {.rank = rank, .ranks = 3, .batch_size = 50, .min_tail_share = 0, .reject_file = path});
    (void)read_epoch(*source, 0);
    const std::string first = contents(path);
    (void)read_epoch(*source, 1);  // other rows may belong to this rank now, but none twice
    lines += first;
    EXPECT_TRUE(contents(path).starts_with(first));
  }
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 30);
  EXPECT_NE(lines.find(str("{\"file\": \"", folder.file("b.parquet"), "\", \"row\": 1405, ")), std::string::npos);
}

TEST(BadRecords, CountersAreThoseOfOneEpoch) {
  const TempFolder folder;
  write_some_bad(folder, 100);
  auto data = data_config(folder, kSomeBad);
  data.set_max_bad_share(0.02);
  const auto source = make_parquet_source(data, {.batch_size = 2000});
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    (void)read_epoch(*source, epoch);
    EXPECT_EQ(source->counters().rows_read, 3000);
    EXPECT_EQ(source->counters().rows_bad, 30);
  }
}

TEST(BadRecords, AFullDiskUnderTheRejectFile) {
  const TempFolder folder;
  write_some_bad(folder, 100);
  auto data = data_config(folder, kSomeBad);
  data.set_max_bad_share(0.02);
  const auto source = make_parquet_source(data, {.reject_file = "/dev/full"});
  EXPECT_EQ(message_of<DataError>([&] { (void)read_epoch(*source); }),
            "[files] cannot write to /dev/full: No space left on device; the disk is full: free space or choose "
            "another place");
}

TEST(BadRecords, ATrainingGoesOnWithoutItsRejectFile) {
  const TempFolder folder;
  write_some_bad(folder, 100);
  auto data = data_config(folder, kSomeBad);
  data.set_max_bad_share(0.02);
  const auto source = make_parquet_source(data, {.reject_file = "/dev/full", .rejects_needed = false});
  (void)read_epoch(*source);
  EXPECT_EQ(source->counters().rows_bad, 30);
  EXPECT_EQ(source->counters().rows_unlisted, 30);
}

TEST(BadRecords, ACleanPassMakesNoRejectFile) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", "[0, 1, 1]"}});
  const std::string path = folder.file("bad.jsonl");
  (void)read_epoch(*make_parquet_source(data_config(folder, R"pb(label { name: "y" })pb"),
                                        {.batch_size = 2, .min_tail_share = 0, .reject_file = path}));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(BadRecords, ARejectFileListsSoManyRowsAtMostAndCountsTheOthers) {
  const TempFolder folder;
  const int64_t rows = kMostRejectLines + 7;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", json_list(rows, [](int64_t) { return "7"; })}});
  auto data = data_config(folder, R"pb(label { name: "y" }
                                       max_bad_share: 1)pb");
  const std::string path = folder.file("bad.jsonl");
  const auto source = make_parquet_source(data, {.batch_size = 4096, .min_tail_share = 0, .reject_file = path});
  for (int64_t epoch = 0; epoch < 2; ++epoch) {
    (void)read_epoch(*source, epoch);
    EXPECT_EQ(source->counters().rows_bad, rows);
    EXPECT_EQ(source->counters().rows_unlisted, 7);
    const std::string lines = contents(path);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), kMostRejectLines + 1);
    EXPECT_TRUE(lines.ends_with("\"}\n{\"left_out\": 7, \"reason\": \"a rank lists at most 10000 rows\"}\n"))
        << lines.substr(lines.size() - 300);
  }
}

TEST(BadRecords, TooManyStopTheJobAfterAThousandRows) {
  const TempFolder folder;
  write_some_bad(folder, 100);
  auto data = data_config(folder, kSomeBad);
  data.set_max_bad_share(0.005);
  data.set_lanes(1);
  const auto source = make_parquet_source(data, {.batch_size = 100, .shuffle = false, .min_tail_share = 0});
  source->start_epoch(0);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(source->next().has_value());
  const std::string a = folder.file("a.parquet");
  std::string expected =
      "[data] 10 of the 1000 rows read in this epoch of split train are bad, a share of 0.01; data.max_bad_share "
      "allows 0.005. First ones:";
  for (const int row : {5, 105, 205, 305, 405}) {
    expected += str("\n  \"", a, "\" row ", row, ", column \"y\": label outside {0, 1}, got 9");
  }
  expected += "\nCorrect the files or raise data.max_bad_share.";
  EXPECT_EQ(message_of<DataError>([&] { (void)source->next(); }), expected);
  EXPECT_EQ(message_of<DataError>([&] { (void)source->next(); }), expected);
}

TEST(BadRecords, AShortEpochIsJudgedAtItsEnd) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"y", "int64", "[0, 1, 7, 1]"}});
  const auto source = make_parquet_source(data_config(folder, R"pb(label { name: "y" })pb"),
                                          {.batch_size = 2, .reject_file = folder.file("bad.jsonl")});
  source->start_epoch(0);
  EXPECT_TRUE(source->next().has_value());
  EXPECT_EQ(message_of<DataError>([&] { (void)source->next(); }),
            "[data] 1 of the 4 rows read in this epoch of split train are bad, a share of 0.25; data.max_bad_share "
            "allows 0.001. First ones:\n  \"" +
                folder.file("a.parquet") + "\" row 2, column \"y\": label outside {0, 1}, got 7\nAll are in \"" +
                folder.file("bad.jsonl") + "\". Correct the files or raise data.max_bad_share.");
}

}  // namespace
}  // namespace polyscene::core::test
