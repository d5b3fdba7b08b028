// Counts bad records, writes the first of them to the reject file, each once, and stops the job when there are too
// many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/data/batch_builder.h"
#include "core/data/read_plan.h"
#include "core/files/growing_file.h"

namespace polyscene::core {

// One line of the reject file: {"file": .., "row": .., "column": .., "reason": .., "value": ..}
[[nodiscard]] std::string json_line(const std::string& file, const BadRecord& bad);

// Maximum number of rows that a reject file lists. A last line after them gives the number of further rows:
// {"left_out": .., "reason": ..}
inline constexpr int64_t kMostRejectLines = 10000;

class RejectLog {
 public:
  // The plan's reject file, if it names one, is created with the first bad record; without bad records there is none.
  explicit RejectLog(const ReadPlan& plan);
  ~RejectLog();

  void start_epoch();
  // Adds a batch's rows. Throws DataError above data.max_bad_share, or when the reject file cannot be written (only a
  // warning without SourceOptions::rejects_needed).
  void add(const ReadBatch& batch);
  // Judges an epoch that may have been too short for add() to judge. Throws like add().
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
  std::unordered_set<int64_t> listed_;         // rows of the split; each epoch meets the same bad rows again
  int64_t listed_bytes_ = 0;                   // bytes of their lines
  std::vector<BadRecord> first_;               // first bad records of the epoch, for the message
  int64_t read_ = 0, bad_ = 0, unlisted_ = 0;  // rows of the epoch
  int64_t most_unlisted_ = 0;                  // maximum of unlisted_ over epochs
  bool warned_ = false;
};

}  // namespace polyscene::core
