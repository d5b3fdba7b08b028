#include "core/data/global_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "ops/base/error.h"
#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

// The boundary of a run falls inside a row group, and the reader of the second part decodes the first part in vain: on
// average half a row group per lane group. With two row groups per lane group that is at most a quarter of the work.
// Fewer lane groups would leave decoding threads idle and make more ranks read the same row groups.
constexpr int64_t kUnitsPerGroup = 2;

int64_t product_share(int64_t a, int64_t b, int64_t divisor) {
  return static_cast<int64_t>(static_cast<uint128>(a) * static_cast<uint128>(b) / static_cast<uint128>(divisor));
}

int group_count(const std::vector<int64_t>& unit_rows, int64_t total, int lanes) {
  const int64_t largest = unit_rows.empty() ? 0 : *std::max_element(unit_rows.begin(), unit_rows.end());
  if (largest == 0) return 1;
  return static_cast<int>(std::clamp<int64_t>(total / largest / kUnitsPerGroup, 1, lanes));
}

void check(const OrderOptions& o) {
  const bool share = o.min_tail_share >= 0 && o.min_tail_share <= 1;
  require(o.lanes >= 1 && o.batch_size >= 1 && o.shuffle_window >= 1 && share,
          "[data] impossible options of a global order");
}

// Fisher-Yates.
template <class T>
void shuffle_values(std::vector<T>& values, PhiloxStream& random) {
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random.next_below(i)]);
  }
}

// Element j of a lane with n rows has the virtual time (2j + 1) / 2n. Compares the next elements of two lanes.
bool earlier(int64_t j_a, int64_t n_a, int64_t j_b, int64_t n_b) {
  return static_cast<uint128>(2 * j_a + 1) * static_cast<uint128>(n_b) <
         static_cast<uint128>(2 * j_b + 1) * static_cast<uint128>(n_a);
}

}  // namespace

GlobalOrder::GlobalOrder(std::vector<int64_t> unit_rows, const OrderOptions& options)
    : unit_rows_(std::move(unit_rows)), options_(options) {
  check(options_);
  total_rows_ = std::accumulate(unit_rows_.begin(), unit_rows_.end(), int64_t{0});
  const int64_t tail = total_rows_ % options_.batch_size;
  const bool keep_tail =
      tail > 0 && static_cast<double>(tail) >= options_.min_tail_share * static_cast<double>(options_.batch_size);
  steps_ = total_rows_ / options_.batch_size + (keep_tail ? 1 : 0);

  const int lanes = options_.lanes, groups = group_count(unit_rows_, total_rows_, lanes);
  for (int g = 0; g < groups; ++g) {
    const int first = lanes * g / groups, last = lanes * (g + 1) / groups;
    LaneGroup group{.first_lane = first,
                    .lanes = last - first,
                    .begin = product_share(total_rows_, first, lanes),
                    .end = product_share(total_rows_, last, lanes)};
    group.window_rows = std::max<int64_t>(1, product_share(options_.shuffle_window, group.lanes, lanes));
    for (int i = 0; i < group.lanes; ++i) lane_rows_.push_back((group.rows() - i + group.lanes - 1) / group.lanes);
    groups_.push_back(group);
  }
}

int64_t GlobalOrder::rows_of_step(int64_t step) const {
  return std::min(options_.batch_size, total_rows_ - step * options_.batch_size);
}

uint64_t GlobalOrder::epoch_key(int64_t epoch) const {
  return mix64(options_.seed ^ mix64(static_cast<uint64_t>(epoch) + 0x9E3779B97F4A7C15ull));
}

std::vector<int> GlobalOrder::unit_sequence(int64_t epoch) const {
  std::vector<int> sequence(unit_rows_.size());
  std::iota(sequence.begin(), sequence.end(), 0);
  if (options_.shuffle) {
    PhiloxStream random(epoch_key(epoch), 0);
    shuffle_values(sequence, random);
  }
  return sequence;
}

std::vector<int64_t> GlobalOrder::lane_positions(int64_t step) const {
  const int64_t position = std::min(step * options_.batch_size, total_rows_);
  const size_t lanes = lane_rows_.size();
  std::vector<int64_t> count(lanes, 0);
  if (position == 0) return count;
  // Takes all elements up to virtual time position / total: within half an element per lane of what is wanted.
  int64_t taken = 0;
  for (size_t l = 0; l < lanes; ++l) {
    const auto twice = 2 * static_cast<uint128>(lane_rows_[l]) * static_cast<uint128>(position);
    const auto total = static_cast<uint128>(total_rows_);
    count[l] = std::min(lane_rows_[l], static_cast<int64_t>((twice + total) / (2 * total)));
    taken += count[l];
  }
  for (; taken < position; ++taken) {  // takes the earliest next element; ties: of the lowest lane
    size_t best = lanes;
    for (size_t l = 0; l < lanes; ++l) {
      if (count[l] == lane_rows_[l]) continue;
      if (best == lanes || earlier(count[l], lane_rows_[l], count[best], lane_rows_[best])) best = l;
    }
    ++count[best];
  }
  for (; taken > position; --taken) {  // gives the latest element back; ties: of the highest lane
    size_t best = lanes;
    for (size_t l = 0; l < lanes; ++l) {
      if (count[l] == 0) continue;
      if (best == lanes || !earlier(count[l] - 1, lane_rows_[l], count[best] - 1, lane_rows_[best])) best = l;
    }
    --count[best];
  }
  return count;
}

std::vector<int32_t> GlobalOrder::window_order(int64_t epoch, int group, int64_t window, int64_t rows) const {
  std::vector<int32_t> order(rows);
  std::iota(order.begin(), order.end(), 0);
  if (options_.shuffle) {
    PhiloxStream random(epoch_key(epoch), (static_cast<uint64_t>(group) + 1) << 40 | static_cast<uint64_t>(window));
    shuffle_values(order, random);
  }
  return order;
}

}  // namespace polyscene::core
