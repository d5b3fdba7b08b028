// The logs of rank 0: progress and messages for people, metrics.jsonl and TensorBoard events for tools. A
// disk that takes no more ends no training: what is missing in the files is said at once, and counted in the end.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "core/metrics/evaluation.h"
#include "core/run/run_folder.h"
#include "core/train/report/event_file.h"
#include "core/train/report/metrics_log.h"
#include "core/train/report/progress.h"

namespace polyscene::core {

class RunLog {
 public:
  // resumes: appends to metrics.jsonl. Throws DataError where the files cannot be made.
  RunLog(const RunFolder& folder, std::ostream& out, bool resumes);

  void train(const ProgressState& progress, double learning_rate);
  void evaluation(int64_t step, const std::string& split, const Evaluation& evaluation);
  void finish();
  // Writes buffered lines to their files.
  void flush();
  // A line for people.
  void note(const std::string& line);

 private:
  // Calls `write` and continues if it throws DataError.
  void attempt(const std::function<void()>& write);

  MetricsLog metrics_;
  EventFile events_;
  Progress progress_;
  int64_t failed_ = 0;         // writes to the files
  std::string first_failure_;  // why
};

}  // namespace polyscene::core
