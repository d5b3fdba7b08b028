// Everything that a run prints and logs, from its first line to its summary. Every rank has a report, because the
// numbers are those of all ranks; rank 0 writes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/metrics/evaluation.h"
#include "core/run/run_folder.h"
#include "core/session/session.h"
#include "core/train/report/pace.h"
#include "core/train/report/run_start.h"
#include "core/train/report/run_summary.h"
#include "core/train/run_log.h"
#include "core/train/run_saves.h"
#include "core/train/step_log.h"

namespace polyscene::core {

class RunReport {
 public:
  // Starts the clock of the first steps. All arguments must outlive the report.
  RunReport(const config::Experiment& experiment, const RunFolder& folder, dist::Communicator& communicator,
            std::ostream& out);

  // On rank 0: opens the logs and prints the start of the run. Throws DataError if a log cannot be made.
  void begin(const RunStart& start);
  // Reports the steps of this session from now on. `resumed`: the position of the checkpoint. The session must outlive
  // the report.
  void follow(Session& session, int64_t total_steps, int64_t steps_per_epoch,
              const std::optional<TrainPosition>& resumed);

  // Every rank makes all calls from here on.
  // A step of `samples` rows has ended; `at` is the position after it.
  void add_step(int64_t samples, const TrainPosition& at);
  // A log line about the steps since the last one, if there are any.
  void log_steps(const TrainPosition& at, double learning_rate);
  // Waits until all steps are done and writes their lines. Throws what a step found.
  void settle(const TrainPosition& at);
  // Starts the clock of the next steps after work that is not training.
  void restart_clock() { pace_.restart(); }
  void evaluation(int64_t step, const Evaluation& evaluation);
  // Notes on an evaluation without `metric`, on a best model that was not saved, and on a checkpoint that failed; an
  // empty `why` means that it did not fail.
  void undefined(int64_t step, const std::string& metric, const Metrics& overall);
  void model_not_saved(int64_t step, const std::string& why);
  void checkpoint_failed(const std::string& why);
  // Writes buffered log lines to their files.
  void flush();
  // Prints the summary. The counters are those of this rank.
  void finish(Ending ending, const TrainPosition& at, RunSaves& saves, const SourceCounters& first_epoch,
              const SourceCounters& validation);

 private:
  void note(const std::string& line);
  [[nodiscard]] RunEnding describe_end(Ending ending, const TrainPosition& at, const BestModel& best) const;

  const config::Experiment& experiment_;
  const RunFolder& folder_;
  dist::Communicator& communicator_;
  std::ostream& out_;
  Pace pace_;
  std::optional<RunLog> log_;  // rank 0
  Session* session_ = nullptr;
  std::optional<StepLog> step_log_;
  std::optional<TrainPosition> resumed_;
  int64_t total_steps_ = 0, steps_per_epoch_ = 0;
};

}  // namespace polyscene::core
