#include "core/data/global_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <tuple>

#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core {
namespace {

using test::message_of;

// The definition, spelled out: all elements of all lanes sorted by (virtual time, lane).
std::vector<int> lanes_in_order(const std::vector<int64_t>& lane_rows) {
  std::vector<std::tuple<long double, int>> elements;
  for (size_t l = 0; l < lane_rows.size(); ++l) {
    for (int64_t j = 0; j < lane_rows[l]; ++j) {
      elements.emplace_back((static_cast<long double>(j) + 0.5L) / static_cast<long double>(lane_rows[l]),
                            static_cast<int>(l));
    }
  }
  std::sort(elements.begin(), elements.end());
  std::vector<int> lanes;
  for (const auto& element : elements) lanes.push_back(std::get<1>(element));
  return lanes;
}

TEST(GlobalOrder, LanePositionsFollowTheDefinition) {
  for (const int64_t rows : {0, 1, 5, 16, 17, 100, 1003}) {
    for (const int lanes : {1, 2, 3, 7, 16, 40}) {
      const GlobalOrder order({rows / 3, rows - rows / 3}, {.lanes = lanes, .batch_size = 11});
      const auto merged = lanes_in_order(order.lane_rows());
      ASSERT_EQ(static_cast<int64_t>(merged.size()), rows);
      for (int64_t step = 0; step <= order.steps(); ++step) {
        std::vector<int64_t> expected(static_cast<size_t>(lanes), 0);
        const auto position = static_cast<size_t>(std::min(step * 11, rows));
        for (size_t i = 0; i < position; ++i) ++expected[static_cast<size_t>(merged[i])];
        EXPECT_EQ(order.lane_positions(step), expected) << rows << " rows, " << lanes << " lanes, step " << step;
      }
    }
  }
}

TEST(GlobalOrder, LanesGetEqualSharesOfUnevenRowGroups) {
  const GlobalOrder order({100000, 3, 0, 70001, 5, 5, 12345, 99999, 1, 50000}, {.lanes = 16});
  const auto [least, most] = std::minmax_element(order.lane_rows().begin(), order.lane_rows().end());
  EXPECT_LE(*most - *least, 1);
  EXPECT_EQ(std::accumulate(order.lane_rows().begin(), order.lane_rows().end(), int64_t{0}), order.total_rows());
}

TEST(GlobalOrder, MoreRowGroupsMakeMoreLaneGroupsUpToTheLanes) {
  const auto groups = [](size_t units) {
    return GlobalOrder(std::vector<int64_t>(units, 1000), {.lanes = 16}).groups();
  };
  EXPECT_EQ(groups(1).size(), 1u);
  EXPECT_EQ(groups(10).size(), 5u);
  EXPECT_EQ(groups(500).size(), 16u);
  for (const size_t units : {1u, 10u, 500u}) {  // neighbours, without gaps in lanes or rows
    int lane = 0;
    int64_t row = 0;
    for (const LaneGroup& group : groups(units)) {
      EXPECT_EQ(group.first_lane, lane);
      EXPECT_EQ(group.begin, row);
      lane += group.lanes;
      row = group.end;
    }
    EXPECT_EQ(lane, 16);
    EXPECT_EQ(row, static_cast<int64_t>(units) * 1000);
  }
}

TEST(GlobalOrder, WindowsShareTheConfiguredRows) {
  const GlobalOrder order(std::vector<int64_t>(100, 1000), {.lanes = 16, .shuffle_window = 1600});
  for (const LaneGroup& group : order.groups()) EXPECT_EQ(group.window_rows, 100);
}

TEST(GlobalOrder, TailShorterThanItsShareIsDropped) {
  const auto steps = [](int64_t rows, double share) {
    return GlobalOrder({rows}, {.batch_size = 100, .min_tail_share = share}).steps();
  };
  EXPECT_EQ(steps(1000, 0.5), 10);
  EXPECT_EQ(steps(1049, 0.5), 10);
  EXPECT_EQ(steps(1050, 0.5), 11);
  EXPECT_EQ(steps(1001, 0), 11);
  EXPECT_EQ(steps(49, 0.5), 0);
  EXPECT_EQ(steps(49, 0), 1);
  EXPECT_EQ(GlobalOrder({1050}, {.batch_size = 100, .min_tail_share = 0.5}).rows_of_step(10), 50);
}

TEST(GlobalOrder, ShufflesUnitsAndWindowsByEpochAndSeed) {
  const std::vector<int64_t> units(50, 10);
  const GlobalOrder one(units, {.seed = 1}), two(units, {.seed = 2}), still(units, {.shuffle = false});
  EXPECT_EQ(one.unit_sequence(3), one.unit_sequence(3));
  EXPECT_NE(one.unit_sequence(3), one.unit_sequence(4));
  EXPECT_NE(one.unit_sequence(3), two.unit_sequence(3));
  EXPECT_NE(one.window_order(0, 0, 0, 100), one.window_order(0, 0, 1, 100));
  EXPECT_NE(one.window_order(0, 0, 0, 100), one.window_order(0, 1, 0, 100));
  EXPECT_NE(one.window_order(0, 0, 0, 100), one.window_order(1, 0, 0, 100));
  auto order = one.window_order(0, 0, 0, 100);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, still.window_order(5, 0, 0, 100));  // identity
}

// Each row should come in every place about equally often: a chi-square of the place of row 0 among 8.
TEST(GlobalOrder, WindowOrderIsUniform) {
  const GlobalOrder order({8}, {});
  std::vector<int> count(8, 0);
  constexpr int kTrials = 8000;
  for (int window = 0; window < kTrials; ++window) {
    const auto places = order.window_order(0, 0, window, 8);
    ++count[static_cast<size_t>(std::find(places.begin(), places.end(), 0) - places.begin())];
  }
  double chi_square = 0;
  for (const int c : count) chi_square += (c - 1000.0) * (c - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 24.3);  // 0.999 quantile at 7 degrees of freedom
}

TEST(GlobalOrder, RefusesImpossibleOptions) {
  EXPECT_EQ(message_of<InvalidArgument>([] { GlobalOrder({1}, {.lanes = 0}); }),
            "[data] impossible options of a global order");
  EXPECT_EQ(message_of<InvalidArgument>([] { GlobalOrder({1}, {.batch_size = 0}); }),
            "[data] impossible options of a global order");
  EXPECT_EQ(message_of<InvalidArgument>([] { GlobalOrder({1}, {.shuffle_window = 0}); }),
            "[data] impossible options of a global order");
  EXPECT_EQ(message_of<InvalidArgument>([] { GlobalOrder({1}, {.min_tail_share = 2}); }),
            "[data] impossible options of a global order");
}

}  // namespace
}  // namespace polyscene::core
