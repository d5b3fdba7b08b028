#include "embedding/table/hashed_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <unordered_map>

#include "embedding/table/initial_value.h"
#include "embedding/table/large_memory.h"
#include "ops/base/philox.h"
#include "tests/embedding/message_of.h"

namespace polyscene::embedding {
namespace {

using Kind = SparseOptimizer::Kind;
using testing::message_of;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

std::vector<int32_t> train(HashedTable& table, const std::vector<int64_t>& keys, int32_t step = 1) {
  std::vector<int32_t> rows(keys.size()), fresh;
  table.find(keys, rows);
  table.touch(rows, step);
  static_cast<void>(table.insert_missing(keys, rows, step, fresh));
  table.init_rows(fresh);
  return rows;
}

TEST(HashedTable, AnyInt64IsAKey) {
  HashedTable table({.name = "t", .dim = 3}, 1);
  const std::vector<int64_t> keys = {0, -1, kMin, kMax, 1, -1, kMin};
  EXPECT_EQ(train(table, keys), (std::vector<int32_t>{0, 1, 2, 3, 4, 1, 2}));
  EXPECT_EQ(table.rows(), 5);
  std::vector<int32_t> rows(2);
  table.find(std::vector<int64_t>{kMax, 2}, rows);
  EXPECT_EQ(rows, (std::vector<int32_t>{3, HashedTable::kNoRow}));
  EXPECT_EQ(table.rows(), 5);
}

TEST(HashedTable, GrowsWithoutLosingOrMovingRows) {
  HashedTable table({.name = "t", .dim = 2, .optimizer = {.kind = Kind::kSgd}}, 1);
  std::unordered_map<int64_t, int32_t> reference;
  PhiloxStream random(5);
  std::vector<int64_t> keys(1000);
  const float* first_row = nullptr;
  for (int step = 0; step < 300; ++step) {
    for (size_t i = 0; i < keys.size(); ++i) {
      // Dense, strided and random keys: none may crowd the index.
      const auto n = static_cast<int64_t>(random.next_below(100000));
      keys[i] = i % 3 == 0 ? n : i % 3 == 1 ? n << 44 : static_cast<int64_t>(mix64(static_cast<uint64_t>(n)));
    }
    const std::vector<int32_t> rows = train(table, keys);
    for (size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(reference.try_emplace(keys[i], rows[i]).first->second, rows[i]) << "key " << keys[i];
      ASSERT_EQ(table.key(rows[i]), keys[i]);
    }
    if (step == 0) first_row = table.values(0);
  }
  EXPECT_EQ(table.rows(), static_cast<int64_t>(reference.size()));
  EXPECT_EQ(table.values(0), first_row);
}

TEST(HashedTable, MemoryStaysWithinOneAndAHalfOfItsRows) {
  const TableSpec specs[] = {{.name = "a", .dim = 3, .optimizer = {.kind = Kind::kSgd}},
                             {.name = "b", .dim = 1, .optimizer = {.kind = Kind::kLazyAdam}},
                             {.name = "c", .dim = 16, .optimizer = {.kind = Kind::kRowWiseAdagrad}},
                             {.name = "d", .dim = 16, .optimizer = {.kind = Kind::kLazyAdam}}};
  for (const TableSpec& spec : specs) {
    HashedTable table(spec, 1);
    std::vector<int64_t> keys(100);
    std::vector<int32_t> rows(keys.size()), fresh;
    double worst = 0;
    for (int64_t next = 0; next < 200000;) {
      for (int64_t& key : keys) key = next++;
      table.find(keys, rows);
      static_cast<void>(table.insert_missing(keys, rows, 1, fresh));
      if (table.rows() < 8192) continue;
      const double ratio =
          static_cast<double>(table.memory_bytes()) / static_cast<double>(table.rows() * spec.row_bytes());
      worst = std::max(worst, ratio);
    }
    EXPECT_LE(worst, 1.5) << spec.name;
    RecordProperty("memory_ratio_" + spec.name, std::to_string(worst));
  }
}

TEST(HashedTable, InitialValuesFollowFromSeedNameKeyAndElementAlone) {
  HashedTable forward({.name = "t", .dim = 6}, 1), backward({.name = "t", .dim = 6}, 1),
      wider({.name = "t", .dim = 9}, 1);
  const std::vector<int64_t> keys = {7, kMin, -3, 0}, reversed = {0, -3, kMin, 7};
  const auto a = train(forward, keys), b = train(backward, reversed), w = train(wider, keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    const int32_t other = b[keys.size() - 1 - i];
    EXPECT_TRUE(std::equal(forward.values(a[i]), forward.values(a[i]) + 6, backward.values(other)));
    EXPECT_TRUE(std::equal(forward.values(a[i]), forward.values(a[i]) + 6, wider.values(w[i])));
  }
  HashedTable other_name({.name = "u", .dim = 6}, 1), other_seed({.name = "t", .dim = 6}, 2);
  EXPECT_NE(other_name.values(train(other_name, {7})[0])[0], forward.values(a[0])[0]);
  EXPECT_NE(other_seed.values(train(other_seed, {7})[0])[0], forward.values(a[0])[0]);
}

TEST(HashedTable, InitialValuesAreNormal) {
  constexpr int64_t kKeys = 20000, kDim = 5;
  double sum = 0, squares = 0, cubes = 0, next_to_each_other = 0;
  int64_t beyond = 0;
  std::vector<float> v(kDim);
  for (int64_t key = 0; key < kKeys; ++key) {
    fill_initial_values(initial_value_key(1, 2), key, 0.5, v);
    for (size_t i = 0; i < v.size(); ++i) {
      const double x = v[i] / 0.5;
      sum += x;
      squares += x * x;
      cubes += x * x * x;
      if (i > 0) next_to_each_other += x * v[i - 1] / 0.5;
      beyond += std::abs(x) > 1.959964;
    }
  }
  const double n = kKeys * kDim;
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(cubes / n, 0, 4 * std::sqrt(15 / n));
  EXPECT_NEAR(next_to_each_other / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(static_cast<double>(beyond) / n, 0.05, 0.003);
}

TEST(HashedTable, StateStartsWhereTheOptimizerWantsIt) {
  HashedTable adagrad({.name = "t", .dim = 2, .optimizer = {.kind = Kind::kAdagrad, .initial_accumulator = 0.25}}, 1);
  const int32_t row = train(adagrad, {5})[0];
  EXPECT_EQ(adagrad.state(row)[0], 0.25f);
  EXPECT_EQ(adagrad.state(row)[1], 0.25f);
  HashedTable adam({.name = "t", .dim = 1}, 1);
  EXPECT_EQ(adam.state(train(adam, {5})[0])[1], 0.0f);
}

TEST(HashedTable, SavesInKeyOrderAndLoads) {
  const TableSpec spec{.name = "t", .dim = 2, .optimizer = {.kind = Kind::kAdagrad}};
  HashedTable table(spec, 1);
  train(table, {5, kMax, -2, kMin});
  table.state(0)[1] = 9;
  const std::vector<int32_t> order = table.rows_by_key();
  std::vector<int64_t> keys(4);
  std::vector<float> values(8), state(8);
  std::vector<AccessStatistics> accesses(4);
  table.read_rows(order, {keys, values, state, accesses});
  EXPECT_EQ(keys, (std::vector<int64_t>{kMin, -2, 5, kMax}));
  EXPECT_EQ(state[5], 9.0f);
  EXPECT_EQ(accesses, std::vector<AccessStatistics>(4, {.last_step = 1, .visits = 1}));

  HashedTable loaded(spec, 99);
  train(loaded, {-2, 77});
  loaded.write_rows({keys, values, state, accesses});
  EXPECT_EQ(loaded.rows(), 5);
  std::vector<int32_t> rows(4);
  loaded.find(keys, rows);
  std::vector<int64_t> keys_again(4);
  std::vector<float> values_again(8), state_again(8);
  loaded.read_rows(rows, {keys_again, values_again, state_again});
  EXPECT_EQ(values_again, values);
  EXPECT_EQ(state_again, state);

  HashedTable without_state(spec, 99);
  without_state.write_rows({keys, values});
  EXPECT_EQ(without_state.state(0)[0], 0.1f);
  EXPECT_EQ(without_state.access(0), AccessStatistics());
}

TEST(HashedTable, SaysWhichLengthsDoNotFit) {
  HashedTable table({.name = "t", .dim = 2}, 1);
  const std::vector<int64_t> keys = {1};
  const std::vector<float> three(3);
  EXPECT_EQ(message_of([&] {
              table.write_rows({keys, three});
            }),
            "[embedding.table] table \"t\": wanted 2 values, 4 (or no) state floats and 1 (or no) access statistics "
            "for 1 keys, got 3, 0 and 0; the rows were saved with another dim or optimizer");
  std::vector<int64_t> room(1);
  const std::vector<int32_t> rows = train(table, {1});
  EXPECT_EQ(message_of([&] {
              table.read_rows(rows, {room, {}});
            }),
            "[embedding.table] table \"t\": wanted room for 1 keys, 2 values, 4 (or no) state floats and 1 (or no) "
            "access statistics, got 1, 0, 0 and 0");
}

TEST(HashedTable, SaysWhenItIsFull) {
  HashedTable table({.name = "t", .dim = 2}, 1, {.most_rows = 3});
  train(table, {1, 2, 3});
  EXPECT_EQ(
      message_of<DeviceError>([&] {
        train(table, {3, 4});
      }),
      "[embedding.table] table \"t\" wanted a row for key 4, but holds the most rows a rank can, 3; try more ranks");
}

TEST(LargeMemory, MoreThanThereIs) {
  EXPECT_EQ(
      message_of<DeviceError>([] { (void)allocate_large(int64_t{1} << 60); }),
      "[embedding.table] wanted 1152921504606846976 bytes of host memory for rows, the system has none left; try more "
      "ranks on more hosts");
}

}  // namespace
}  // namespace polyscene::embedding
