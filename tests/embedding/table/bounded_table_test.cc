// Tables with a bound, against a map per bucket.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <numeric>

#include "dist/world.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/plan/bucket_plan.h"
#include "ops/base/philox.h"
#include "tests/embedding/keys/random_keys.h"
#include "tests/embedding/message_of.h"
#include "tests/embedding/table/reference_bounded.h"

namespace polyscene::embedding {
namespace {

using testing::distinct_keys;
using testing::message_of;
using testing::ReferenceBounded;

constexpr int kPartitions = 4;

TableSpec bounded(int64_t max_rows = 160) {
  return {.name = "item", .dim = 3, .optimizer = {.kind = SparseOptimizer::Kind::kAdagrad}, .max_rows = max_rows};
}

std::map<int64_t, AccessStatistics> accesses_of(const HashedTable& table) {
  std::map<int64_t, AccessStatistics> accesses;
  for (const int32_t row : table.rows_by_key()) accesses[table.key(row)] = table.access(row);
  return accesses;
}

TEST(BucketPlan, TakesTheMostRowsThatFit) {
  struct Case {
    int64_t max_rows;
    int partitions;
    int32_t slots;
    int64_t per_partition;
  };
  for (const Case& c :
       {Case{0, 4, 0, 0}, Case{128, 4, 32, 1}, Case{160, 4, 32, 1}, Case{199, 4, 48, 1}, Case{4 * 190, 4, 80, 2},
        Case{4 * 256, 4, 128, 2}, Case{1000, 1, 96, 10}, Case{int64_t{1} << 40, 1024, 128, int64_t{1} << 23}}) {
    const BucketPlan plan = plan_buckets(c.max_rows, c.partitions);
    EXPECT_EQ(plan.slots, c.slots) << c.max_rows;
    EXPECT_EQ(plan.per_partition, c.per_partition) << c.max_rows;
    EXPECT_EQ(plan.buckets, c.per_partition * c.partitions);
    EXPECT_LE(plan.buckets * plan.slots, c.max_rows);
  }
}

TEST(BucketPlan, ABucketLiesInThePartitionOfItsKeys) {
  const BucketPlan plan = plan_buckets(5000, 7);
  const PartitionMap map(7, 3);
  PhiloxStream random(1);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t hash = uint64_t{random.next_u32()} << 32 | random.next_u32();
    EXPECT_EQ(plan.bucket(hash) / plan.per_partition, map.partition(hash));
  }
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_EQ(map.owner(map.first_partition(rank)), rank);
    EXPECT_EQ(map.owner(map.first_partition(rank + 1) - 1), rank);
  }
}

class BoundedRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, BoundedRanks, ::testing::Values(1, 2, 3, 4));

// Twelve times what fits comes by, some of it again and again.
TEST_P(BoundedRanks, HoldWhatTheReferenceHolds) {
  std::map<int64_t, AccessStatistics> all;
  int64_t evicted = 0;
  std::mutex mutex;
  ReferenceBounded reference(plan_buckets(640, kPartitions), table_salt("item"));
  for (int64_t step = 1; step <= 60; ++step)
    reference.train(distinct_keys(step, 120, 2000), static_cast<int32_t>(step));
  dist::run_local_ranks(GetParam(), [&](dist::Communicator& comm) {
    ShardedTables tables(comm, {bounded(640)}, {.seed = 1, .partitions = kPartitions});
    ShardedLookup lookup(tables);
    Deduplicator deduplicator(tables.layout());
    UniqueKeys unique;
    const int64_t memory = tables.memory_bytes();
    for (int64_t step = 1; step <= 60; ++step) {
      // Every rank brings a part of the keys, and some that others bring too.
      std::vector<int64_t> keys = distinct_keys(step, 120, 2000), mine;
      for (size_t i = 0; i < keys.size(); ++i)
        if (i % static_cast<size_t>(comm.size()) == static_cast<size_t>(comm.rank()) || i % 5 == 0)
          mine.push_back(keys[i]);
      std::vector<int32_t> index(mine.size());
      const KeyBlock block{.table = 0, .keys = mine, .index = index};
      deduplicator.run({&block, 1}, unique);
      lookup.lookup(unique, LookupMode::kTrain);
      Tensor gradient(DType::kFloat32, lookup.rows(0).shape);
      const TensorView view = gradient.view();
      lookup.update({&view, 1});
      lookup.lookup(unique, LookupMode::kEval);  // touches nothing
    }
    EXPECT_EQ(tables.memory_bytes(), memory);
    const std::lock_guard lock(mutex);
    all.merge(accesses_of(tables.table(0)));
    evicted += lookup.total().rows_evicted;
    EXPECT_EQ(lookup.total().rows_created - lookup.total().rows_evicted, tables.table(0).rows());
  });
  EXPECT_EQ(all, reference.rows());
  EXPECT_EQ(evicted, reference.evicted());
  EXPECT_GT(evicted, 1000);
}

std::vector<int32_t> train_step(HashedTable& table, const std::vector<int64_t>& keys, int32_t step) {
  std::vector<int32_t> rows(keys.size()), fresh;
  table.find(keys, rows);
  table.touch(rows, step);
  static_cast<void>(table.insert_missing(keys, rows, step, fresh));
  table.init_rows(fresh);
  return rows;
}

// One partition of one bucket of 32 rows.
TEST(BoundedTable, AKeyThatComesBackStartsAnew) {
  HashedTable table(bounded(32), 1);
  std::vector<int64_t> keys(32);
  std::iota(keys.begin(), keys.end(), 100);
  const std::vector<int32_t> first = train_step(table, keys, 1);
  const float initial = table.values(first[5])[0];
  table.values(first[5])[0] = 7;
  table.state(first[5])[0] = 7;
  keys.erase(keys.begin() + 5);
  train_step(table, keys, 2);
  train_step(table, {1}, 3);  // takes the place of 105, the one that step 2 did not use
  std::vector<int32_t> row(1);
  table.find(std::vector<int64_t>{105}, row);
  EXPECT_EQ(row[0], HashedTable::kNoRow);
  const int32_t again = train_step(table, {105}, 4)[0];
  EXPECT_EQ(table.values(again)[0], initial);
  EXPECT_EQ(table.state(again)[0], 0.1f);
  EXPECT_EQ(table.access(again), (AccessStatistics{.last_step = 4, .visits = 1}));
  table.find(std::vector<int64_t>{100, 101, 1}, row = std::vector<int32_t>(3));
  EXPECT_EQ(row[0], HashedTable::kNoRow);  // of those used in step 2, the smallest key went
  EXPECT_NE(row[1], HashedTable::kNoRow);
  EXPECT_NE(row[2], HashedTable::kNoRow);
  EXPECT_EQ(table.rows(), 32);
}

TEST(BoundedTable, SaysWhenAStepAloneIsTooMuch) {
  HashedTable table(bounded(32), 1);
  std::vector<int64_t> keys(33);
  std::iota(keys.begin(), keys.end(), 0);
  EXPECT_EQ(
      message_of([&] { train_step(table, keys, 1); }),
      "[embedding.table] table \"item\" with max_rows 32: 33 keys of one step want a bucket of 32 rows; the table "
      "is too small for its batches: raise max_rows to at least four times the distinct keys of a batch");
  EXPECT_EQ(message_of<DeviceError>([] { HashedTable(bounded(64), 1, {.most_rows = 63}); }),
            "[embedding.table] table \"item\" with max_rows 64 wanted 64 rows of a rank, which can hold 63; try a "
            "smaller max_rows, or more ranks");
}

TEST(BoundedTable, SaysWhenTheHostHasNotTheMemory) {
  const TableSpec wide{.name = "item", .dim = 1 << 24, .max_rows = 1 << 24};
  EXPECT_EQ(message_of<DeviceError>([&] { HashedTable(wide, 1); }),
            "[embedding.table] table \"item\" with max_rows 16777216 wanted memory for 16777216 rows of dim 16777216, "
            "more than this host has free; try a smaller max_rows, or more ranks on more hosts");
}

// Rows of a larger table into a smaller one, in any order of the file.
TEST(BoundedTable, LoadingKeepsTheNewestRows) {
  const auto world = dist::make_single_world();
  ShardedTables tables(*world, {bounded(128)}, {.seed = 1, .partitions = 1});
  SavedRows rows;
  for (int64_t i = 0; i < 1000; ++i) {
    rows.keys.push_back(i * 37 % 1000);
    rows.accesses.push_back({.last_step = static_cast<int32_t>(rows.keys.back() % 50), .visits = 3});
    rows.values.insert(rows.values.end(), 3, static_cast<float>(rows.keys.back()));
  }
  rows.keys.push_back(49);  // once more: the later row stays
  rows.accesses.push_back({.last_step = 49, .visits = 9});
  rows.values.insert(rows.values.end(), 3, -1.0f);
  const RowTables::Loaded loaded = tables.load_rows(0, rows.view());
  EXPECT_EQ(loaded.kept, 128);
  EXPECT_EQ(loaded.dropped, 873);
  const std::map<int64_t, AccessStatistics> accesses = accesses_of(tables.table(0));
  ASSERT_EQ(accesses.size(), 128u);
  for (int64_t key = 0; key < 1000; ++key) {
    // 20 keys per step: those of the six newest, and of the seventh (43) the eight largest keys.
    const int64_t step = key % 50;
    EXPECT_EQ(accesses.contains(key), step >= 44 || (step == 43 && key >= 643)) << key;
  }
  EXPECT_EQ(accesses.at(49).visits, 9);
  EXPECT_EQ(tables.table(0).values(0)[0] < 1000, true);
}

}  // namespace
}  // namespace polyscene::embedding
