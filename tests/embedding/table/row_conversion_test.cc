#include "embedding/table/row_conversion.h"

#include <gtest/gtest.h>

#include <vector>

#include "embedding/table/hashed_table.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;
constexpr uint64_t kSeed = 7;

embedding::TableSpec spec_of(int64_t dim, Kind kind) {
  return {.name = "t", .dim = dim, .init_stddev = 0.5, .optimizer = {.kind = kind, .initial_accumulator = 0.25}};
}

// Two rows of three values.
const std::vector<int64_t> kKeys = {5, -9};
const std::vector<float> kValues = {1, 2, 3, 4, 5, 6};
const std::vector<embedding::AccessStatistics> kAccesses = {{.last_step = 3, .visits = 2},
                                                            {.last_step = 4, .visits = 1}};

embedding::SavedRows converted(const embedding::TableSpec& from, const embedding::TableSpec& to,
                               const std::vector<float>& state) {
  embedding::RowConversion convert(from, to, kSeed);
  const embedding::RowsIn rows = convert({.keys = kKeys, .values = kValues, .state = state, .accesses = kAccesses});
  return {.keys = {rows.keys.begin(), rows.keys.end()},
          .values = {rows.values.begin(), rows.values.end()},
          .state = {rows.state.begin(), rows.state.end()},
          .accesses = {rows.accesses.begin(), rows.accesses.end()}};
}

TEST(RowConversion, OfTheSameTableChangesNothing) {
  const std::vector<float> state = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(converted(spec_of(3, Kind::kAdagrad), spec_of(3, Kind::kAdagrad), state),
            (embedding::SavedRows{kKeys, kValues, state, kAccesses}));
}

TEST(RowConversion, NarrowerRowsKeepTheirFirstValues) {
  const std::vector<float> adam = {1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60};
  EXPECT_EQ(converted(spec_of(3, Kind::kLazyAdam), spec_of(2, Kind::kLazyAdam), adam),
            (embedding::SavedRows{kKeys, {1, 2, 4, 5}, {1, 2, 10, 20, 4, 5, 40, 50}, kAccesses}));
}

TEST(RowConversion, WiderRowsEndLikeNewOnes) {
  const embedding::TableSpec to = spec_of(5, Kind::kAdagrad);
  embedding::HashedTable table(to, kSeed);
  std::vector<int32_t> numbers(2, embedding::HashedTable::kNoRow), fresh;
  static_cast<void>(table.insert_missing(kKeys, numbers, 1, fresh));
  table.init_rows(fresh);
  const embedding::SavedRows rows = converted(spec_of(3, Kind::kAdagrad), to, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(rows.state, (std::vector<float>{1, 2, 3, 0.25, 0.25, 4, 5, 6, 0.25, 0.25}));
  for (int row = 0; row < 2; ++row)
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(rows.values[static_cast<size_t>(5 * row + i)],
                i < 3 ? kValues[static_cast<size_t>(3 * row + i)] : table.values(numbers[static_cast<size_t>(row)])[i]);
}

TEST(RowConversion, KindsOfAdagradTakeEachOthersState) {
  EXPECT_EQ(converted(spec_of(3, Kind::kAdagrad), spec_of(3, Kind::kRowWiseAdagrad), {1, 2, 3, 4, 5, 9}).state,
            (std::vector<float>{2, 6}));
  EXPECT_EQ(converted(spec_of(3, Kind::kRowWiseAdagrad), spec_of(2, Kind::kAdagrad), {7, 8}).state,
            (std::vector<float>{7, 7, 8, 8}));
  EXPECT_EQ(converted(spec_of(3, Kind::kRowWiseAdagrad), spec_of(2, Kind::kRowWiseAdagrad), {7, 8}).state,
            (std::vector<float>{7, 8}));
}

TEST(RowConversion, OtherOptimisersStartAnew) {
  const embedding::TableSpec adam = spec_of(3, Kind::kLazyAdam), adagrad = spec_of(3, Kind::kAdagrad);
  EXPECT_FALSE(embedding::RowConversion(adam, adagrad, kSeed).keeps_state());
  EXPECT_EQ(converted(adam, adagrad, std::vector<float>(12)), (embedding::SavedRows{kKeys, kValues, {}, kAccesses}));
  EXPECT_EQ(converted(spec_of(3, Kind::kSgd), adam, {}).state, std::vector<float>());
}

}  // namespace
}  // namespace polyscene::testing
