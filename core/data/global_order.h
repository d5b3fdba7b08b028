// The order in which an epoch's rows are trained on: a pure function of (seed, epoch, row groups, lanes, window) that
// does not depend on ranks, threads or timing. README.md has a drawing.
//
// The split's row groups ("units") form a sequence (permuted per epoch, or in file order). The sequence is cut into one
// run per lane group, exactly proportional to the group's number of lanes, so that every lane gets the same number of
// rows (+-1) however uneven the row groups are. A run is shuffled in windows, and its rows are dealt round robin to the
// lanes of the group. Global batches interleave the lanes.
#pragma once

#include <cstdint>
#include <vector>

namespace polyscene::core {

struct OrderOptions {
  int lanes = 16;
  int64_t batch_size = 1024;  // of all ranks together
  double min_tail_share = 0;
  int64_t shuffle_window = 65536;  // rows of all lanes together
  uint64_t seed = 1;
  bool shuffle = true;
};

// Lanes [first_lane, first_lane + lanes), which share rows [begin, end) of the epoch's unit sequence.
struct LaneGroup {
  int first_lane = 0, lanes = 0;
  int64_t begin = 0, end = 0;
  int64_t window_rows = 1;
  [[nodiscard]] int64_t rows() const { return end - begin; }
};

class GlobalOrder {
 public:
  // unit_rows: rows of each row group of the split, in file order; 0 is allowed.
  GlobalOrder(std::vector<int64_t> unit_rows, const OrderOptions& options);

  [[nodiscard]] int64_t total_rows() const { return total_rows_; }
  // Global batches per epoch, including a last one of at least min_tail_share.
  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] int64_t rows_of_step(int64_t step) const;
  [[nodiscard]] const std::vector<LaneGroup>& groups() const { return groups_; }
  // Indices into unit_rows in the order in which `epoch` reads them.
  [[nodiscard]] std::vector<int> unit_sequence(int64_t epoch) const;
  // Rows of each lane before global batch `step`, [lanes]. step == steps(): the rows that the epoch uses.
  [[nodiscard]] std::vector<int64_t> lane_positions(int64_t step) const;
  // Rows of each lane, [lanes].
  [[nodiscard]] const std::vector<int64_t>& lane_rows() const { return lane_rows_; }
  // order[i] is the row of the window that comes i-th, [rows]. The identity without shuffling.
  [[nodiscard]] std::vector<int32_t> window_order(int64_t epoch, int group, int64_t window, int64_t rows) const;

 private:
  [[nodiscard]] uint64_t epoch_key(int64_t epoch) const;

  std::vector<int64_t> unit_rows_;
  OrderOptions options_;
  int64_t total_rows_ = 0, steps_ = 0;
  std::vector<LaneGroup> groups_;
  std::vector<int64_t> lane_rows_;
};

}  // namespace polyscene::core
