// What training relies on: every row once, an order that seed, epoch and files fix and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr char kConfig[] = R"pb(
  feature {
    name: "user"
    categorical {}
  }
  feature {
    name: "history"
    sequence { side { column: "h" } }
  }
  label { name: "click" }
  row_key_column: "id"
  lanes: 8
  shuffle_window: 64
)pb";

void write_rows(const std::string& path, int64_t first, int64_t rows, int64_t row_group_rows) {
  write_parquet(
      path,
      {{"id", "int64", json_list(rows, [&](int64_t i) { return std::to_string(first + i); })},
       {"user", "int32", json_list(rows, [&](int64_t i) { return std::to_string((first + i) * 7 % 101); })},
       {"h", "list<int64>",
        json_list(rows,
                  [&](int64_t i) {
                    return json_list((first + i) % 5, [&](int64_t j) { return str((first + i) * 10 + j); });
                  })},
       {"click", "bool", json_list(rows, [&](int64_t i) { return (first + i) % 3 == 0 ? "true" : "false"; })}},
      row_group_rows);
}

struct ReadOptions {
  int ranks = 1;
  int64_t epoch = 0, batch_size = 32;
  uint64_t seed = 1;
  bool shuffle = true;
  double min_tail_share = 0;
};

// Row keys of the epoch, per global batch: the ranks' slices one behind the other. Checks each row's columns too.
std::vector<std::vector<int64_t>> read_keys(const config::Data& data, const ReadOptions& o) {
  std::vector<std::vector<int64_t>> steps;
  for (int rank = 0; rank < o.ranks; ++rank) {
    const auto source = make_parquet_source(data, {.rank = rank,
                                                   .ranks = o.ranks,
                                                   .seed = o.seed,
                                                   .batch_size = o.batch_size,
                                                   .shuffle = o.shuffle,
                                                   .min_tail_share = o.min_tail_share});
    const auto batches = read_epoch(*source, o.epoch);
    EXPECT_EQ(static_cast<int64_t>(batches.size()), source->steps_per_epoch());
    steps.resize(batches.size());
    for (size_t s = 0; s < batches.size(); ++s) {
      const Batch& b = batches[s];
      EXPECT_EQ(b.step, static_cast<int64_t>(s));
      EXPECT_EQ(b.rows, static_cast<int64_t>(b.row_keys.size()));
      steps[s].insert(steps[s].end(), b.row_keys.begin(), b.row_keys.end());
      for (size_t i = 0; i < b.row_keys.size(); ++i) {
        const int64_t id = b.row_keys[i];
        EXPECT_EQ(b.fields[0][i], id * 7 % 101);
        EXPECT_EQ(b.labels[0][i], id % 3 == 0 ? 1.0f : 0.0f);
        const auto& h = b.sequences[0];
        EXPECT_EQ(h.offsets[i + 1] - h.offsets[i], id % 5);
        for (int32_t e = h.offsets[i]; e < h.offsets[i + 1]; ++e) {
          EXPECT_EQ(h.sides[0][static_cast<size_t>(e)], id * 10 + (e - h.offsets[i]));
        }
      }
    }
  }
  return steps;
}

std::vector<int64_t> flat(const std::vector<std::vector<int64_t>>& steps) {
  std::vector<int64_t> all;
  for (const auto& step : steps) all.insert(all.end(), step.begin(), step.end());
  return all;
}

std::vector<int64_t> sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<int64_t> upto(int64_t size) {
  std::vector<int64_t> values(static_cast<size_t>(size));
  std::iota(values.begin(), values.end(), int64_t{0});
  return values;
}

// Three layouts: one row group; many uneven ones with an empty file between; few large and many tiny ones.
class ReadingOrder : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    switch (GetParam()) {
      case 0:
        write_rows(folder_.file("a.parquet"), 0, 1000, 1000);
        break;
      case 1:
        write_rows(folder_.file("a.parquet"), 0, 500, 37);
        write_rows(folder_.file("b.parquet"), 500, 0, 10);
        write_rows(folder_.file("c.parquet"), 500, 500, 11);
        break;
      default:
        write_rows(folder_.file("a.parquet"), 0, 700, 700);
        write_rows(folder_.file("b.parquet"), 700, 300, 4);
        break;
    }
    data_ = data_config(folder_, kConfig);
  }

  TempFolder folder_;
  config::Data data_;
};

TEST_P(ReadingOrder, EveryRowOncePerEpoch) {
  for (const bool shuffle : {true, false}) {
    for (const int64_t epoch : {0, 1}) {
      EXPECT_EQ(sorted(flat(read_keys(data_, {.epoch = epoch, .shuffle = shuffle}))), upto(1000));
    }
  }
}

TEST_P(ReadingOrder, GlobalBatchesDoNotDependOnTheNumberOfRanks) {
  for (const bool shuffle : {true, false}) {
    const auto one = read_keys(data_, {.shuffle = shuffle});
    for (const int ranks : {2, 3, 4, 7, 8}) {
      EXPECT_EQ(read_keys(data_, {.ranks = ranks, .shuffle = shuffle}), one) << ranks << " ranks";
    }
  }
}

TEST_P(ReadingOrder, ThreadsAndPrefetchChangeNothing) {
  const auto one = read_keys(data_, {});
  for (const int threads : {2, 5}) {
    data_.set_threads(threads);
    data_.set_prefetch(threads == 2 ? 1 : 9);
    EXPECT_EQ(read_keys(data_, {}), one);
    EXPECT_EQ(read_keys(data_, {.ranks = 3}), one);
  }
}

TEST_P(ReadingOrder, SeedAndEpochDecideTheOrder) {
  const auto first = read_keys(data_, {});
  EXPECT_EQ(read_keys(data_, {}), first);
  EXPECT_NE(read_keys(data_, {.epoch = 1}), first);
  EXPECT_NE(read_keys(data_, {.seed = 2}), first);
  EXPECT_NE(flat(first), upto(1000));
  EXPECT_EQ(read_keys(data_, {.epoch = 1, .shuffle = false}), read_keys(data_, {.shuffle = false}));
}

TEST_P(ReadingOrder, AWindowOfAllRowsAndOfOneRowWorkToo) {
  for (const int64_t window : {1, 9, 1000000}) {
    data_.set_shuffle_window(window);
    EXPECT_EQ(sorted(flat(read_keys(data_, {}))), upto(1000));
    EXPECT_EQ(read_keys(data_, {.ranks = 3}), read_keys(data_, {}));
  }
}

TEST_P(ReadingOrder, BatchesLargerThanWindowsAndThanTheData) {
  for (const int64_t batch : {1, 333, 999, 5000}) {
    const auto steps = read_keys(data_, {.batch_size = batch});
    EXPECT_EQ(sorted(flat(steps)), upto(1000));
    EXPECT_EQ(read_keys(data_, {.ranks = 4, .batch_size = batch}), steps);
  }
}

TEST_P(ReadingOrder, AShortTailIsDroppedAndCounted) {
  int64_t rows = 0, dropped = 0;
  for (int rank = 0; rank < 3; ++rank) {
    const auto source =
        make_parquet_source(data_, {.rank = rank, .ranks = 3, .batch_size = 300, .min_tail_share = 0.5});
    EXPECT_EQ(source->total_rows(), 1000);
    EXPECT_EQ(source->steps_per_epoch(), 3);
    for (const Batch& b : read_epoch(*source)) {
      rows += b.rows;
      EXPECT_EQ(b.global_rows, 300);
    }
    dropped += source->counters().rows_dropped_tail;
  }
  EXPECT_EQ(rows, 900);
  EXPECT_EQ(dropped, 100);
}

TEST_P(ReadingOrder, ResumedEpochsContinueWithTheSameBatches) {
  const auto whole = read_keys(data_, {});
  for (int rank = 0; rank < 2; ++rank) {
    const SourceOptions options{.rank = rank, .ranks = 2, .batch_size = 32, .min_tail_share = 0};
    const auto source = make_parquet_source(data_, options);
    const auto all = read_epoch(*source);
    for (const int64_t step : {int64_t{1}, int64_t{15}, source->steps_per_epoch() - 1, source->steps_per_epoch()}) {
      source->resume_epoch(0, step);
      for (auto s = static_cast<size_t>(step); s < all.size(); ++s) {
        const auto batch = source->next();
        ASSERT_TRUE(batch.has_value());
        EXPECT_EQ(batch->step, static_cast<int64_t>(s));
        EXPECT_EQ(batch->row_keys, all[s].row_keys);
        EXPECT_EQ(batch->sequences[0].sides, all[s].sequences[0].sides);
      }
      EXPECT_FALSE(source->next().has_value());
    }
  }
}

TEST_P(ReadingOrder, RestartAndEndInTheMiddleDoNotHang) {
  data_.set_threads(3);
  for (const int taken : {0, 1, 5}) {
    const auto source = make_parquet_source(data_, {.batch_size = 16, .min_tail_share = 0});
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      source->start_epoch(epoch);
      for (int i = 0; i < taken; ++i) EXPECT_TRUE(source->next().has_value());
    }
    EXPECT_EQ(source->counters().rows_read, 16 * taken);  // of the last epoch
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, ReadingOrder, ::testing::Values(0, 1, 2));

TEST(ReadingOrderLimits, RanksWithoutRowsStillSeeEveryBatch) {
  const TempFolder folder;
  write_rows(folder.file("a.parquet"), 0, 3, 3);
  const auto data = data_config(folder, kConfig);
  int64_t rows = 0;
  for (int rank = 0; rank < 8; ++rank) {
    const auto source = make_parquet_source(data, {.rank = rank, .ranks = 8, .batch_size = 2, .min_tail_share = 0});
    const auto batches = read_epoch(*source);
    ASSERT_EQ(batches.size(), 2u);
    for (const Batch& b : batches) {
      rows += b.rows;
      EXPECT_EQ(b.sequences[0].offsets.size(), static_cast<size_t>(b.rows) + 1);
    }
    EXPECT_EQ(batches[0].global_rows, 2);
    EXPECT_EQ(batches[1].global_rows, 1);
  }
  EXPECT_EQ(rows, 3);
}

TEST(ReadingOrderLimits, FileOrderWithOneLane) {
  const TempFolder folder;
  write_rows(folder.file("b.parquet"), 50, 50, 7);
  write_rows(folder.file("a.parquet"), 0, 50, 50);
  auto data = data_config(folder, kConfig);
  data.set_lanes(1);
  EXPECT_EQ(flat(read_keys(data, {.shuffle = false})), upto(100));
}

TEST(ReadingOrderLimits, RowsFromDistantRowGroupsMeetInABatch) {
  const TempFolder folder;
  write_rows(folder.file("a.parquet"), 0, 6400, 100);
  auto data = data_config(folder, kConfig);
  data.set_shuffle_window(800);
  const auto steps = read_keys(data, {.batch_size = 128});
  for (const auto& step : steps) {  // 8 lanes walk through 8 places of the permuted row groups at once
    std::vector<int64_t> groups;
    for (const int64_t id : step) groups.push_back(id / 100);
    groups = sorted(groups);
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    EXPECT_GE(groups.size(), 8u);
  }
}

TEST(ReadingOrderLimits, NextBeforeStartAndAfterTheEnd) {
  const TempFolder folder;
  write_rows(folder.file("a.parquet"), 0, 40, 40);
  const auto source = make_parquet_source(data_config(folder, kConfig), {.batch_size = 40});
  EXPECT_EQ(message_of<InvalidArgument>([&] { (void)source->next(); }), "[data] wanted start_epoch() before next()");
  EXPECT_EQ(message_of<InvalidArgument>([&] { source->resume_epoch(0, 2); }),
            "[data] wanted to resume at a step of 0 .. 1, got 2");
  EXPECT_EQ(read_epoch(*source).size(), 1u);
  EXPECT_FALSE(source->next().has_value());
  EXPECT_FALSE(source->next().has_value());
}

}  // namespace
}  // namespace polyscene::core::test
