// Values that come out of the reader for values that went into the file.
#include <gtest/gtest.h>

#include <cmath>

#include "core/features/value_rules.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

using Keys = std::vector<int64_t>;
using Floats = std::vector<float>;

int64_t hash(const std::string& text) { return hash_key(text.data(), text.size()); }

// The batch of a file with these columns.
Batch read(const std::vector<TestColumn>& columns, const std::string& config) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), columns);
  return read_all(data_config(folder, config));
}

TEST(Decoding, IntegersOfEveryWidth) {
  for (const std::string type : {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}) {
    const Batch b = read({{"x", type, "[1, 0, 127]"}}, R"pb(feature {
                                                              name: "x"
                                                              categorical {}
                                                            })pb");
    EXPECT_EQ(b.fields[0], (Keys{1, 0, 127})) << type;
  }
  const Batch b = read({{"x", "bool", "[true, false]"},
                        {"y", "int64", "[-5, 9223372036854775807]"},
                        {"z", "uint64", "[18446744073709551615, 3]"}},
                       R"pb(feature {
                              name: "x"
                              categorical {}
                            }
                            feature {
                              name: "y"
                              categorical {}
                            }
                            feature {
                              name: "z"
                              categorical {}
                            })pb");
  EXPECT_EQ(b.fields, (std::vector<Keys>{{1, 0}, {-5, INT64_MAX}, {-1, 3}}));
}

TEST(Decoding, StringsOfEveryKindHashAlike) {
  for (const std::string type : {"string", "binary", "large_string", "string_view", "dictionary<string>"}) {
    const Batch b = read({{"x", type, R"(["ab", "", "ab", null])"}}, R"pb(feature {
                                                                            name: "x"
                                                                            categorical { nullable: true }
                                                                          })pb");
    EXPECT_EQ(b.fields[0], (Keys{hash("ab"), hash(""), hash("ab"), kMissingKey})) << type;
  }
}

// Fixed for ever: exported models and checkpoints hold rows under these keys.
TEST(Decoding, TheHashOfATextNeverChanges) {
  EXPECT_EQ(static_cast<uint64_t>(hash("")), 0x2D06800538D394C2u);
  EXPECT_EQ(static_cast<uint64_t>(hash("polyscene")), 4874697634528032622u);
}

TEST(Decoding, CategoricalRenamedAndRanged) {
  const Batch b =
      read({{"col", "int32", "[3, 7, null]"}}, R"pb(feature {
                                                      name: "x"
                                                      categorical { column: "col" min_id: 3 max_id: 7 nullable: true }
                                                    })pb");
  EXPECT_EQ(b.fields[0], (Keys{3, 7, kMissingKey}));
}

TEST(Decoding, OneColumnServesSeveralUses) {
  const Batch b = read({{"user", "int32", "[4, 5]"}, {"y", "int8", "[1, 0]"}},
                       R"pb(feature {
                              name: "user"
                              categorical {}
                            }
                            feature {
                              name: "user_again"
                              categorical { column: "user" }
                            }
                            group { name: "user" }
                            scenario_column: "user"
                            row_key_column: "user"
                            label { name: "y" }
                            label { name: "z" column: "y" })pb");
  EXPECT_EQ(b.fields, (std::vector<Keys>{{4, 5}, {4, 5}}));
  EXPECT_EQ(b.groups, (std::vector<Keys>{{4, 5}}));
  EXPECT_EQ(b.scenario, (Keys{4, 5}));
  EXPECT_EQ(b.row_keys, (Keys{4, 5}));
  EXPECT_EQ(b.labels, (std::vector<Floats>{{1, 0}, {1, 0}}));
}

TEST(Decoding, NumbersOfEveryType) {
  for (const std::string type : {"int8", "int64", "uint16", "float", "double"}) {
    EXPECT_EQ(read({{"x", type, "[1, 0, 100]"}}, R"pb(feature {
                                                        name: "x"
                                                        number {}
                                                      })pb")
                  .numbers,
              (Floats{1, 0, 100}))
        << type;
  }
  EXPECT_EQ(read({{"x", "bool", "[true, false]"}}, R"pb(feature {
                                                          name: "x"
                                                          number {}
                                                        })pb")
                .numbers,
            (Floats{1, 0}));
}

TEST(Decoding, NumbersAreTransformedThenStandardised) {
  const Batch b = read({{"x", "double", "[0, 1, -3]"}, {"y", "float", "[2, 4, 8]"}},
                       R"pb(feature {
                              name: "x"
                              number { log: true mean: 1 stddev: 2 }
                            }
                            feature {
                              name: "y"
                              number { mean: 4 stddev: 2 }
                            })pb");
  ASSERT_EQ(b.numbers.size(), 6u);  // [rows, 2]
  EXPECT_FLOAT_EQ(b.numbers[0], -0.5f);
  EXPECT_FLOAT_EQ(b.numbers[2], (std::log(2.0f) - 1) / 2);
  EXPECT_FLOAT_EQ(b.numbers[4], (-std::log(4.0f) - 1) / 2);
  EXPECT_EQ((Floats{b.numbers[1], b.numbers[3], b.numbers[5]}), (Floats{-1, 0, 2}));
}

TEST(Decoding, MissingNumbersAreZeroWhereAllowed) {
  EXPECT_EQ(read({{"x", "float", "[null, NaN, 7]"}}, R"pb(feature {
                                                            name: "x"
                                                            number { nullable: true mean: 5 }
                                                          })pb")
                .numbers,
            (Floats{0, 0, 2}));
}

TEST(Decoding, BucketsHaveExclusiveUpperBounds) {
  const Batch b = read({{"x", "double", "[-9, 0, 0.5, 1, 99, null, NaN]"}, {"id", "int8", "[1,1,1,1,1,1,1]"}},
                       R"pb(feature {
                              name: "id"
                              categorical {}
                            }
                            feature {
                              name: "x"
                              number { boundary: 0 boundary: 1 nullable: true }
                            })pb");
  EXPECT_EQ(b.fields[1], (Keys{0, 1, 1, 2, 2, kMissingKey, kMissingKey}));
  EXPECT_TRUE(b.numbers.empty());
}

TEST(Decoding, BagsWithEmptyAndNullLists) {
  for (const std::string type : {"list<int32>", "large_list<int64>", "list<uint8>"}) {
    const Batch b = read({{"x", type, "[[1, 2], [], null, [3]]"}}, R"pb(feature {
                                                                          name: "x"
                                                                          bag {}
                                                                        })pb");
    EXPECT_EQ(b.bags[0].offsets, (std::vector<int32_t>{0, 2, 2, 2, 3})) << type;
    EXPECT_EQ(b.bags[0].keys, (Keys{1, 2, 3}));
    EXPECT_TRUE(b.bags[0].weights.empty());
  }
  const Batch b = read({{"x", "fixed2<int32>", "[[1, 2], null, [3, 4]]"}}, R"pb(feature {
                                                                                  name: "x"
                                                                                  bag {}
                                                                                })pb");
  EXPECT_EQ(b.bags[0].offsets, (std::vector<int32_t>{0, 2, 2, 4}));
  EXPECT_EQ(b.bags[0].keys, (Keys{1, 2, 3, 4}));
}

TEST(Decoding, BagsOfStringsAndNullElements) {
  for (const std::string type : {"list<string>", "list<large_string>"}) {
    const Batch b = read({{"x", type, R"([["a", null], ["b"]])"}}, R"pb(feature {
                                                                          name: "x"
                                                                          bag {}
                                                                        })pb");
    EXPECT_EQ(b.bags[0].keys, (Keys{hash("a"), kMissingKey, hash("b")})) << type;
  }
}

TEST(Decoding, TheHeaviestOfABagAreKeptInTheirOrder) {
  const Batch b =
      read({{"x", "list<int64>", "[[1, 2, 3, 4], [5, 6], []]"}, {"w", "list<float>", "[[0.5, 2, 0.5, 1], [3, 0], []]"}},
           R"pb(feature {
                  name: "x"
                  bag { weight_column: "w" max_length: 3 }
                })pb");
  EXPECT_EQ(b.bags[0].offsets, (std::vector<int32_t>{0, 3, 5, 5}));
  EXPECT_EQ(b.bags[0].keys, (Keys{1, 2, 4, 5, 6}));  // 1 and 3 weigh the same: the earlier stays
  EXPECT_EQ(b.bags[0].weights, (Floats{0.5f, 2, 1, 3, 0}));
}

TEST(Decoding, WithoutWeightsTheFirstOfABagAreKept) {
  const Batch b = read({{"x", "list<int64>", "[[1, 2, 3], [4]]"}}, R"pb(feature {
                                                                          name: "x"
                                                                          bag { max_length: 2 }
                                                                        })pb");
  EXPECT_EQ(b.bags[0].keys, (Keys{1, 2, 4}));
}

TEST(Decoding, SequencesKeepTheNewest) {
  const Batch b = read({{"v", "list<int64>", "[[1, 2, 3, 4], [], null, [5]]"},
                        {"t", "list<string>", R"([["a", "b", "c", "d"], [], null, [null]])"}},
                       R"pb(feature {
                              name: "h"
                              sequence {
                                side { column: "v" }
                                side { column: "t" }
                                max_length: 3
                              }
                            })pb");
  EXPECT_EQ(b.sequences[0].offsets, (std::vector<int32_t>{0, 3, 3, 3, 4}));
  EXPECT_EQ(b.sequences[0].sides, (std::vector<Keys>{{2, 3, 4, 5}, {hash("b"), hash("c"), hash("d"), kMissingKey}}));
}

TEST(Decoding, CutListsAreCounted) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"),
                {{"v", "list<int64>", "[[1, 2, 3], [1], [1, 2, 3, 4]]"}, {"b", "list<int64>", "[[1], [1, 2], []]"}});
  const auto data = data_config(folder, R"pb(feature {
                                               name: "v"
                                               sequence {
                                                 side { column: "v" }
                                                 max_length: 2
                                               }
                                             }
                                             feature {
                                               name: "b"
                                               bag { max_length: 1 }
                                             })pb");
  const auto source = make_parquet_source(data, {.batch_size = 3});
  EXPECT_EQ(read_epoch(*source).size(), 1u);
  EXPECT_EQ(source->counters().sequences_cut, 2);
  EXPECT_EQ(source->counters().bags_cut, 1);
  EXPECT_EQ(source->counters().rows_read, 3);
}

TEST(Decoding, LabelsOfEveryType) {
  for (const std::string type : {"int8", "int64", "float", "double", "uint8"}) {
    EXPECT_EQ(read({{"y", type, "[1, 0]"}}, R"pb(label { name: "y" })pb").labels[0], (Floats{1, 0})) << type;
  }
  EXPECT_EQ(read({{"y", "bool", "[true, false]"}}, R"pb(label { name: "y" })pb").labels[0], (Floats{1, 0}));
}

TEST(Decoding, StringScenariosAndGroups) {
  const Batch b = read({{"s", "dictionary<string>", R"(["home", "cart"])"}, {"u", "string", R"(["x", null])"}},
                       R"pb(scenario_column: "s"
                            group { name: "user" column: "u" })pb");
  EXPECT_EQ(b.scenario, (Keys{hash("home"), hash("cart")}));
  EXPECT_EQ(b.groups[0], (Keys{hash("x"), kMissingKey}));
}

TEST(Decoding, TimesKeepTheUnitOfTheFile) {
  EXPECT_EQ(read({{"t", "int64", "[5, 6]"}}, R"pb(time_column: "t")pb").times, (Keys{5, 6}));
  EXPECT_EQ(read({{"t", "timestamp", "[1000000, 6]"}}, R"pb(time_column: "t")pb").times, (Keys{1000000, 6}));
  EXPECT_EQ(read({{"t", "date32", "[19000]"}}, R"pb(time_column: "t")pb").times, (Keys{19000}));
}

TEST(Decoding, RowKeysDefaultToTheRunningNumberOfTheSplit) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"x", "int64", "[10, 11, 12]"}}, 2);
  write_parquet(folder.file("b.parquet"), {{"x", "int64", "[13, 14]"}});
  const Batch b = read_all(data_config(folder, R"pb(feature {
                                                      name: "x"
                                                      categorical {}
                                                    })pb"));
  EXPECT_EQ(b.row_keys, (Keys{0, 1, 2, 3, 4}));
  EXPECT_EQ(b.fields[0], (Keys{10, 11, 12, 13, 14}));
  EXPECT_EQ(b.scenario, (Keys(5, 0)));
  EXPECT_TRUE(b.times.empty());
}

TEST(Decoding, FilesMayOrderAndTypeTheirColumnsDifferently) {
  const TempFolder folder;
  write_parquet(folder.file("a.parquet"), {{"x", "int64", "[1]"}, {"h", "list<int64>", "[[7, 8]]"}});
  write_parquet(folder.file("b.parquet"),
                {{"more", "string", "[\"-\"]"}, {"h", "large_list<int32>", "[[9]]"}, {"x", "uint8", "[2]"}});
  const Batch b = read_all(data_config(folder, R"pb(feature {
                                                      name: "x"
                                                      categorical {}
                                                    }
                                                    feature {
                                                      name: "h"
                                                      bag {}
                                                    })pb"));
  EXPECT_EQ(b.fields[0], (Keys{1, 2}));
  EXPECT_EQ(b.bags[0].keys, (Keys{7, 8, 9}));
}

TEST(Decoding, AConfigurationWithoutColumnsStillHasRows) {
  const Batch b = read({{"x", "int64", "[1, 2, 3]"}}, "");
  EXPECT_EQ(b.rows, 3);
  EXPECT_EQ(b.row_keys, (Keys{0, 1, 2}));
}

}  // namespace
}  // namespace polyscene::core::test
