// Bad records: counted, written down once each, and the end of the job when they are too many.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/batch_builder.h"
#include "core/data/read_plan.h"

namespace polyscene {

// One line of the reject file: {"file": .., "row": .., "column": .., "reason": .., "value": ..}
[[nodiscard]] std::string json_line(const std::string& file, const BadRecord& bad);

class RejectLog {
 public:
  // Empties the plan's reject file, if it names one. Throws DataError when that cannot be written.
  explicit RejectLog(const ReadPlan& plan);

  void start_epoch();
  // Takes a batch's rows into account. Throws DataError past data.max_bad_share, or when the reject file takes no more.
  void add(const ReadBatch& batch);
  // The last word on an epoch that may have been too short to judge. Throws DataError past data.max_bad_share.
  void finish_epoch() const;

 private:
  void write(const BadRecord& bad);
  void judge() const;

  const ReadPlan& plan_;
  std::ofstream file_;
  std::unordered_set<int64_t> written_;  // rows of the split: an epoch meets the same bad rows as the one before
  std::vector<BadRecord> first_;         // of the epoch, for the message
  int64_t read_ = 0, bad_ = 0;           // of the epoch
};

}  // namespace polyscene
