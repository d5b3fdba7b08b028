// Cuts jagged rows into tasks: ranges of whole samples that depend on the offsets alone, never on the number of
// threads, so that the sums of the tasks are added in one order.
#pragma once

#include <algorithm>
#include <cstdint>

namespace polyscene::ops {

class RowTasks {
 public:
  // Cuts into tasks of about rows_per_task rows each, at least one and at most max_tasks tasks. A sample belongs to the
  // task in which its first row lies.
  RowTasks(const int32_t* offsets, int64_t batch, int64_t rows_per_task, int64_t max_tasks)
      : offsets_(offsets), batch_(batch), rows_(offsets[batch]) {
    count_ = std::clamp<int64_t>((rows_ + rows_per_task - 1) / rows_per_task, 1, max_tasks);
  }
  [[nodiscard]] int64_t count() const { return count_; }
  // The first sample of a task; the batch size for task == count().
  [[nodiscard]] int64_t begin(int64_t task) const {
    if (task == count_) return batch_;
    return std::lower_bound(offsets_, offsets_ + batch_, rows_ * task / count_) - offsets_;
  }

 private:
  const int32_t* offsets_;
  int64_t batch_, rows_, count_;
};

}  // namespace polyscene::ops
