// The rows of one lane group in order, as a sequence of decoded and shuffled windows. Not thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/data/parquet_file.h"
#include "core/data/read_plan.h"
#include "core/data/window.h"

namespace polyscene::core {

class GroupStream {
 public:
  // Starts at window `first_window` of the group. Setting `stop` makes next() return early.
  GroupStream(const ReadPlan& plan, int group, int64_t epoch, int64_t first_window, const std::atomic<bool>& stop);

  // The next window, built in `memory` (its contents are cleared), or null at the end or when stopped.
  [[nodiscard]] std::unique_ptr<Window> next(std::unique_ptr<Window> memory);
  [[nodiscard]] bool at_end() const { return position_ == group_.rows(); }
  // Rows handed out so far, counted from the start of the group.
  [[nodiscard]] int64_t position() const { return position_; }

 private:
  void skip_to(int64_t position);
  void append(Window& window, int64_t rows);
  void load_batch();
  void open_unit();
  void finish(Window& window);

  const ReadPlan& plan_;
  const LaneGroup& group_;
  const std::atomic<bool>& stop_;
  int group_index_;
  int64_t epoch_, position_ = 0, window_;

  std::vector<int> units_;   // unit sequence of the epoch
  size_t unit_ = 0;          // index into units_
  int64_t row_in_unit_ = 0;  // the next row, within the unit
  int64_t batch_end_ = 0;    // end of batch_, within the unit
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::unique_ptr<ParquetFile> file_;
  int file_index_ = -1;
  bool unit_open_ = false;
};

}  // namespace polyscene::core
