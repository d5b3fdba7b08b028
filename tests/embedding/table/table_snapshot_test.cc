#include "embedding/table/table_snapshot.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "embedding/table/hashed_table.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kDim = 3;
constexpr int64_t kWidth = 2 * kDim;

// Everything of some rows, by their numbers in a snapshot.
embedding::SavedRows rows_of(embedding::TableSnapshot& snapshot) {
  const auto n = static_cast<size_t>(snapshot.rows());
  std::vector<int32_t> numbers(n);
  std::iota(numbers.rbegin(), numbers.rend(), 0);  // in another order than that of memory
  embedding::SavedRows rows{.keys = std::vector<int64_t>(n),
                            .values = std::vector<float>(n * kDim),
                            .state = std::vector<float>(n * kWidth),
                            .accesses = std::vector<embedding::AccessStatistics>(n)};
  snapshot.read(numbers, {.keys = rows.keys, .values = {}, .accesses = rows.accesses});
  snapshot.read(numbers, {.keys = {}, .values = rows.values});
  snapshot.read(numbers, {.keys = {}, .values = {}, .state = rows.state});
  return rows;
}

// A table that steps go on with: each uses some keys and changes their rows.
class TrainedTable {
 public:
  explicit TrainedTable(int64_t max_rows) : table_({.name = "t", .dim = kDim, .max_rows = max_rows}, 1) {}

  void step(const std::vector<int64_t>& keys) {
    ++step_;
    std::vector<int32_t> rows(keys.size()), fresh;
    table_.find(keys, rows);
    table_.touch(rows, step_);
    static_cast<void>(table_.insert_missing(keys, rows, step_, fresh));
    table_.init_rows(fresh);
    for (const int32_t row : rows) {
      for (int64_t i = 0; i < kDim; ++i) table_.values(row)[i] += 1.0f;
      for (int64_t i = 0; i < kWidth; ++i) table_.state(row)[i] -= 0.5f;
    }
  }
  void steps(int count) {
    for (int s = 0; s < count; ++s) {
      std::vector<int64_t> keys;
      for (int64_t i = 0; i < 60; ++i) keys.push_back((step_ * 37 + i * 11) % 3000);
      step(keys);
    }
  }
  [[nodiscard]] embedding::HashedTable& table() { return table_; }

 private:
  embedding::HashedTable table_;
  int32_t step_ = 0;
};

// With a bound, rows take others' places.
class TableSnapshots : public ::testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(Bounds, TableSnapshots, ::testing::Values(0, 512));

TEST_P(TableSnapshots, AreOfTheirMomentWhileStepsGoOn) {
  TrainedTable trained(GetParam());
  trained.steps(20);
  const auto first = trained.table().snapshot();
  const embedding::SavedRows at_first = rows_of(*first);
  EXPECT_EQ(first->rows(), trained.table().rows());
  trained.steps(3);
  const auto second = trained.table().snapshot();
  const embedding::SavedRows at_second = rows_of(*second);
  EXPECT_NE(at_second, at_first);

  std::atomic<bool> ended = false;
  std::thread reader([&] {
    do {
      EXPECT_EQ(rows_of(*first), at_first);
      EXPECT_EQ(rows_of(*second), at_second);
    } while (!ended);
  });
  trained.steps(200);
  ended = true;
  reader.join();
  EXPECT_EQ(rows_of(*first), at_first);
  EXPECT_NE(rows_of(*trained.table().snapshot()), at_second);
}

TEST_P(TableSnapshots, CopyWhatChangesOnceAndNothingElse) {
  TrainedTable trained(GetParam());
  trained.step({1, 2, 3, 4});
  const auto snapshot = std::dynamic_pointer_cast<embedding::RowSnapshot>(trained.table().snapshot());
  EXPECT_EQ(snapshot->copied_bytes(), 0);
  trained.step({2, 3});
  const int64_t row_bytes = 56;  // 16 + 4 * (3 + 6) is no multiple of 8
  EXPECT_EQ(snapshot->copied_bytes(), 2 * row_bytes);
  trained.step({3, 2});
  trained.step({3, 4, 5});
  EXPECT_EQ(snapshot->copied_bytes(), 3 * row_bytes);
  snapshot->release();
  trained.step({1});
  EXPECT_EQ(snapshot->copied_bytes(), 3 * row_bytes);
}

TEST(CopiedRows, GiveBackWhatTheyAreOf) {
  const embedding::TableSpec spec{.name = "t", .dim = kDim};
  const embedding::SavedRows rows{.keys = {7, 8},
                                  .values = {1, 2, 3, 4, 5, 6},
                                  .state = std::vector<float>(12, 2.0f),
                                  .accesses = {{1, 2}, {3, 4}}};
  embedding::CopiedRows copied(spec, rows);
  EXPECT_EQ(rows_of(copied),
            (embedding::SavedRows{
                .keys = {8, 7}, .values = {4, 5, 6, 1, 2, 3}, .state = rows.state, .accesses = {{3, 4}, {1, 2}}}));
  copied.release();
}

}  // namespace
}  // namespace polyscene::testing
