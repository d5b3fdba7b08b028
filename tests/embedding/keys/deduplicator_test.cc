#include "embedding/keys/deduplicator.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>

#include "embedding/keys/tuple_deduplicator.h"
#include "ops/base/thread.h"
#include "tests/embedding/message_of.h"
#include "tests/embedding/random_batch.h"

namespace polyscene::embedding {
namespace {

using testing::message_of;
using testing::random_batch;
using testing::TestBatch;

TableLayout three_tables(int ranks) {
  const std::vector<TableSpec> specs = {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}, {.name = "c", .dim = 4}};
  return {specs, PartitionMap(1024, ranks)};
}

// The definition, one key after the other: groups' rows ordered by owner, table in wire order, first appearance.
struct PlainDedup {
  std::vector<int64_t> keys;
  std::map<std::pair<int, int64_t>, int32_t> row;

  PlainDedup(const TableLayout& layout, const TestBatch& batch) {
    std::vector<int32_t> rows(static_cast<size_t>(layout.groups()));
    for (int rank = 0; rank < layout.map().ranks(); ++rank) {
      for (const int table : layout.wire_order()) {
        for (const auto& feature : batch.features) {
          if (feature.table != table) continue;
          for (const int64_t key : feature.keys) {
            if (layout.owner(table, key) != rank || row.contains({table, key})) continue;
            row[{table, key}] = rows[static_cast<size_t>(layout.group_of(table))]++;
            keys.push_back(key);
          }
        }
      }
    }
  }
};

void expect_matches_definition(const TableLayout& layout, TestBatch& batch, Deduplicator& deduplicator,
                               UniqueKeys& unique) {
  deduplicator.run(batch.blocks(), unique);
  const PlainDedup plain(layout, batch);
  ASSERT_TRUE(std::ranges::equal(unique.keys(), plain.keys));
  int64_t keys_in = 0;
  for (size_t f = 0; f < batch.features.size(); ++f) {
    const auto& feature = batch.features[f];
    keys_in += static_cast<int64_t>(feature.keys.size());
    for (size_t i = 0; i < feature.keys.size(); ++i) {
      ASSERT_EQ(batch.row(f, i), plain.row.at({feature.table, feature.keys[i]})) << "feature " << f << " key " << i;
    }
  }
  EXPECT_EQ(unique.keys_in(), keys_in);
}

TEST(Deduplicator, FollowsItsDefinitionForAnyRanksAndThreads) {
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    for (const int ranks : {1, 2, 3, 4}) {
      const TableLayout layout = three_tables(ranks);
      Deduplicator deduplicator(layout);
      UniqueKeys unique;
      for (int64_t step = 0; step < 20; ++step) {
        TestBatch batch = random_batch(3, step, 0);
        expect_matches_definition(layout, batch, deduplicator, unique);
      }
    }
  }
  set_thread_count(1);
}

// Large enough to be cut into units, which must not show.
TEST(Deduplicator, LargeTablesAreCutWithoutATrace) {
  for (const int threads : {1, 3, 8}) {
    set_thread_count(threads);
    const TableLayout layout = three_tables(3);
    Deduplicator deduplicator(layout);
    UniqueKeys unique;
    for (const int64_t keys : {100000, 30, 200000}) {
      TestBatch batch = random_batch(3, 7, 1, keys);
      PhiloxStream random(3);
      for (int64_t& key : batch.features[0].keys) key = static_cast<int64_t>(random.next_below(50000));
      expect_matches_definition(layout, batch, deduplicator, unique);
    }
  }
  set_thread_count(1);
}

// Keys in arithmetic progression, as composite ids are; a hash that lines them up would take minutes here.
TEST(Deduplicator, IsNotSlowedByRegularKeys) {
  const TableLayout layout = three_tables(1);
  Deduplicator deduplicator(layout);
  UniqueKeys unique;
  std::vector<int64_t> keys(200000);
  std::vector<int32_t> index(keys.size());
  const int64_t strides[] = {
      1,    64,     1000,    121393,          1000000, int64_t{1} << 20, int64_t{1} << 32, int64_t{1} << 46,
      1597, 196418, 2178309, int64_t{1} << 48};
  for (const int64_t stride : strides) {
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(i * static_cast<uint64_t>(stride));
    const KeyBlock block{.table = 0, .keys = keys, .index = index};
    deduplicator.run({&block, 1}, unique);
    const size_t distinct = std::set<int64_t>(keys.begin(), keys.end()).size();
    ASSERT_EQ(unique.keys().size(), distinct) << "stride " << stride;
  }
}

TEST(Deduplicator, WritesOnlyItsOwnIndexElements) {
  Deduplicator deduplicator(three_tables(1));
  UniqueKeys unique;
  const std::vector<int64_t> keys = {5, 5, 9};
  std::vector<int32_t> index(9, -7);
  const KeyBlock block{.table = 1, .keys = keys, .index = std::span(index).subspan(1), .stride = 3};
  deduplicator.run({&block, 1}, unique);
  EXPECT_EQ(index, (std::vector<int32_t>{-7, 0, -7, -7, 0, -7, -7, 1, -7}));
  EXPECT_EQ(unique.rows(0), 0);
  EXPECT_EQ(unique.rows(1), 2);
}

TEST(Deduplicator, NothingIsABatchToo) {
  Deduplicator deduplicator(three_tables(2));
  UniqueKeys unique;
  deduplicator.run({}, unique);
  EXPECT_EQ(unique.keys_in(), 0);
  EXPECT_TRUE(unique.keys().empty());
  EXPECT_EQ(unique.counts().size(), 6u);
}

TEST(Deduplicator, SaysWhatIsWrong) {
  Deduplicator deduplicator(three_tables(1));
  UniqueKeys unique;
  std::vector<int64_t> keys(4);
  std::vector<int32_t> index(9);
  const auto message = [&](KeyBlock block) { return message_of([&] { deduplicator.run({&block, 1}, unique); }); };
  EXPECT_EQ(message({.table = 3, .keys = keys, .index = index}), "[embedding.lookup] wanted a table in [0, 3), got 3");
  EXPECT_EQ(message({.table = 0, .keys = keys, .index = index, .stride = 0}),
            "[embedding.lookup] table \"a\": wanted an index stride of at least 1, got 0");
  EXPECT_EQ(message({.table = 0, .keys = keys, .index = index, .stride = 3}),
            "[embedding.lookup] table \"a\": wanted an index of at least 10 elements for 4 keys at stride 3, got 9");
  EXPECT_EQ(message({.table = 0, .keys = keys, .index = index, .stride = 2}), "nothing thrown");

  // Spans that only claim their length: the check comes before the first access.
  const std::span<const int64_t> endless_keys(keys.data(), size_t{1} << 30);
  const std::span<int32_t> endless_index(index.data(), size_t{1} << 30);
  const KeyBlock half{.table = 0, .keys = endless_keys, .index = endless_index};
  EXPECT_EQ(
      message_of([&] {
        deduplicator.run(std::vector<KeyBlock>{half, half}, unique);
      }),
      "[embedding.lookup] wanted at most 2147483647 keys per rank and batch, got 2147483648; try a smaller batch");
}

std::vector<std::vector<int64_t>> random_tuples(size_t sides, size_t length, uint64_t values) {
  PhiloxStream random(length);
  std::vector<std::vector<int64_t>> columns(sides, std::vector<int64_t>(length));
  for (auto& column : columns) {
    for (int64_t& key : column) {
      const auto n = static_cast<int64_t>(random.next_below(values));
      key = n == 0 ? std::numeric_limits<int64_t>::min() : n - 2;
    }
  }
  return columns;
}

void expect_distinct_tuples(TupleDeduplicator& deduplicator, const std::vector<std::vector<int64_t>>& columns) {
  const std::vector<std::span<const int64_t>> sides(columns.begin(), columns.end());
  std::vector<int32_t> index(columns[0].size());
  const std::span<const int32_t> first = deduplicator.run(sides, index);
  std::map<std::vector<int64_t>, int32_t> number;
  std::vector<int32_t> expected_first;
  for (size_t i = 0; i < index.size(); ++i) {
    std::vector<int64_t> tuple;
    for (const auto& column : columns) tuple.push_back(column[i]);
    const auto [found, is_new] = number.try_emplace(tuple, static_cast<int32_t>(number.size()));
    if (is_new) expected_first.push_back(static_cast<int32_t>(i));
    ASSERT_EQ(index[i], found->second) << "tuple " << i;
  }
  ASSERT_TRUE(std::ranges::equal(first, expected_first));
}

TEST(TupleDeduplicator, NumbersTuplesByFirstAppearance) {
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    TupleDeduplicator deduplicator;
    for (const size_t sides : {1, 2, 4}) {
      for (const size_t length : {0, 1, 33, 5000, 70000}) {
        for (const uint64_t values : {2, 10, 1000}) {
          expect_distinct_tuples(deduplicator, random_tuples(sides, length, values));
        }
      }
    }
  }
  set_thread_count(1);
}

TEST(TupleDeduplicator, OrderWithinATupleCounts) {
  TupleDeduplicator deduplicator;
  expect_distinct_tuples(deduplicator, {{1, 2, 1, 2}, {2, 1, 1, 2}});
}

TEST(TupleDeduplicator, SaysWhatIsWrong) {
  TupleDeduplicator deduplicator;
  const std::vector<int64_t> two(2), three(3);
  std::vector<int32_t> index(2);
  const auto message = [&](std::vector<std::span<const int64_t>> sides) {
    return message_of([&] { static_cast<void>(deduplicator.run(sides, index)); });
  };
  EXPECT_EQ(message({}), "[embedding.lookup] wanted at least one column of keys, got none");
  EXPECT_EQ(message({two, three}),
            "[embedding.lookup] wanted columns of equal length, got 2 in column 0 and 3 in column 1");
  EXPECT_EQ(message({three}), "[embedding.lookup] wanted an index of 3 elements, got 2");
  EXPECT_EQ(message({two, two}), "nothing thrown");
}

}  // namespace
}  // namespace polyscene::embedding
