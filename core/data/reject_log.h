// Bad records: counted, the first of them written down once each, and the end of the job when they are too many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/batch_builder.h"
#include "core/data/read_plan.h"
#include "core/files/growing_file.h"

namespace polyscene {

// One line of the reject file: {"file": .., "row": .., "column": .., "reason": .., "value": ..}
[[nodiscard]] std::string json_line(const std::string& file, const BadRecord& bad);

// Lines that a reject file has at most; the last one behind them says how many rows more there were:
// {"left_out": .., "reason": ..}
inline constexpr int64_t kMostRejectLines = 10000;

class RejectLog {
 public:
  // The plan's reject file, if it names one, is made with the first bad record: a clean pass makes none.
  explicit RejectLog(const ReadPlan& plan);
  ~RejectLog();

  void start_epoch();
  // Takes a batch's rows into account. Throws DataError past data.max_bad_share, or when the reject file takes no more
  // (unless the plan's options can do without it).
  void add(const ReadBatch& batch);
  // The last word on an epoch that may have been too short to judge. Throws like add().
  void finish_epoch();

  // Bad rows of the epoch that the reject file does not list.
  [[nodiscard]] int64_t unlisted() const { return unlisted_; }

 private:
  void list(const ReadBatch& batch);
  void write(const std::vector<const BadRecord*>& bad);
  void write_last_line();
  void judge() const;

  const ReadPlan& plan_;
  std::optional<GrowingFile> file_;
  std::unordered_set<int64_t> listed_;         // rows of the split: an epoch meets the same bad rows as the one before
  int64_t listed_bytes_ = 0;                   // of their lines
  std::vector<BadRecord> first_;               // of the epoch, for the message
  int64_t read_ = 0, bad_ = 0, unlisted_ = 0;  // of the epoch
  int64_t most_unlisted_ = 0;                  // of any epoch
  bool warned_ = false;
};

}  // namespace polyscene
