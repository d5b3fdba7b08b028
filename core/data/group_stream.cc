#include "core/data/group_stream.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

// Rows that Arrow decodes at a time: enough to hide the cost per column, few enough for its arrays to stay in cache.
constexpr int64_t kBatchRows = 2048;

}  // namespace

GroupStream::GroupStream(const ReadPlan& plan, int group, int64_t epoch, int64_t first_window,
                         const std::atomic<bool>& stop)
    : plan_(plan),
      group_(plan.order.groups()[group]),
      stop_(stop),
      group_index_(group),
      epoch_(epoch),
      window_(first_window),
      units_(plan.order.unit_sequence(epoch)) {
  skip_to(std::min(first_window * group_.window_rows, group_.rows()));
}

void GroupStream::skip_to(int64_t position) {
  position_ = position;
  row_in_unit_ = group_.begin + position;
  while (unit_ < units_.size()) {
    const int64_t rows = plan_.split.units[units_[unit_]].rows;
    if (row_in_unit_ < rows) return;
    row_in_unit_ -= rows;
    ++unit_;
  }
}

std::unique_ptr<Window> GroupStream::next(std::unique_ptr<Window> memory) {
  if (at_end()) return nullptr;
  auto window = memory != nullptr ? std::move(memory) : std::make_unique<Window>();
  window->clear();
  const int64_t rows = std::min(group_.window_rows, group_.rows() - position_);
  while (window->rows() < rows) {
    if (stop_.load(std::memory_order_relaxed)) return nullptr;
    append(*window, rows - window->rows());
  }
  position_ += rows;
  finish(*window);
  return window;
}

void GroupStream::append(Window& window, int64_t rows) {
  if (batch_ == nullptr) return load_batch();
  const Unit& unit = plan_.split.units[units_[unit_]];
  const int64_t batch_first = batch_end_ - batch_->num_rows();
  const int64_t taken = std::min(rows, batch_end_ - row_in_unit_);
  if (taken > 0) {
    const RowSpan span{.file = unit.file,
                       .first_in_file = unit.first_in_file + row_in_unit_,
                       .first_in_split = unit.first_in_split + row_in_unit_};
    const auto read = batch_->Slice(row_in_unit_ - batch_first, taken);
    plan_.decoder.append(*read, span, window);
    if (!plan_.carrier.empty()) window.carried.push_back(plan_.carrier.pick(*read, span.first_in_split));
    row_in_unit_ += taken;
  }
  if (row_in_unit_ >= batch_end_) batch_.reset();
}

// Loads the next batch of the unit, or the first batch of the next unit.
void GroupStream::load_batch() {
  const Unit& unit = plan_.split.units[units_[unit_]];
  if (row_in_unit_ == unit.rows) {
    ++unit_;
    row_in_unit_ = 0;
    unit_open_ = false;
    return;
  }
  if (!unit_open_) open_unit();
  batch_ = file_->next();
  require<DataError>(batch_ != nullptr, "[data] row group ", unit.row_group, " of \"", file_->path(), "\" ended after ",
                     batch_end_, " of ", unit.rows, " rows; was the file changed while it was read?");
  batch_end_ += batch_->num_rows();
}

void GroupStream::open_unit() {
  const Unit& unit = plan_.split.units[units_[unit_]];
  if (file_index_ != unit.file) {
    const SplitFile& file = plan_.split.files[unit.file];
    file_index_ = -1;
    file_ = std::make_unique<ParquetFile>(file.path, file.metadata);
    file_index_ = unit.file;
  }
  file_->open_row_group(unit.row_group, plan_.columns.names(), std::min(kBatchRows, group_.window_rows));
  batch_end_ = 0;
  unit_open_ = true;
}

void GroupStream::finish(Window& window) {
  std::sort(window.rejects.begin(), window.rejects.end(),
            [](const Reject& a, const Reject& b) { return a.row < b.row; });
  window.order = plan_.order.window_order(epoch_, group_index_, window_++, window.rows());
}

}  // namespace polyscene::core
