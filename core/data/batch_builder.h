// Builds this rank's slice of each global batch from the windows of its lane groups.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/batch_source.h"
#include "core/data/gather.h"
#include "core/data/read_plan.h"
#include "core/data/window_feed.h"

namespace polyscene::core {

struct BadRecord {
  int file = 0;  // index into the split's files
  int64_t row_in_file = 0, row_in_split = 0;
  std::string column, reason, value;
};

struct ReadBatch {
  Batch batch;
  SourceCounters counters;  // of this batch alone
  std::vector<BadRecord> bad;
};

class BatchBuilder {
 public:
  // Batches come in order, starting at `first_step`. The plan must outlive the builder.
  BatchBuilder(const ReadPlan& plan, int64_t epoch, int64_t first_step);

  // The next batch, or nothing at the end of the epoch or when stopped. Throws DataError.
  [[nodiscard]] std::optional<ReadBatch> next();
  // Makes next() return early; any thread may call it.
  void stop() { feed_->stop(); }

 private:
  // The windows of one lane group that later batches still need.
  struct Held {
    const LaneGroup* group = nullptr;
    int64_t first_window = 0;  // number of windows[0] in the group
    std::vector<std::unique_ptr<Window>> windows;
  };

  [[nodiscard]] bool hold_until(size_t slot, int64_t row);
  void release_before(Held& held, int64_t row);
  void collect(const Held& held, int64_t step_begin, int64_t step_end, int lane, ReadBatch& out);
  void name_scenarios(Batch& batch);
  void add_row(const Window& window, int32_t row, std::vector<int32_t>& rows, ReadBatch& out) const;

  const ReadPlan& plan_;
  int64_t step_;
  std::vector<int64_t> begin_;  // position of each lane at the start of step_
  std::vector<Held> held_;
  std::vector<RowRun> runs_;
  std::unordered_set<int64_t> named_;  // scenarios whose names a batch has already carried
  std::unique_ptr<WindowFeed> feed_;
};

}  // namespace polyscene::core
