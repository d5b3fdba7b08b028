// All that a run says, from its first line to its summary. Every rank has one, since what is told are numbers of all
// ranks; rank 0 says it.
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

namespace polyscene {

class RunReport {
 public:
  // The time of the first steps begins here. All must outlive this.
  RunReport(const config::Experiment& experiment, const RunFolder& folder, Communicator& communicator,
            std::ostream& out);

  // Rank 0: opens the logs, and says what is trained and where. Throws DataError where they cannot be made.
  void begin(const RunStart& start);
  // Tells of this session's steps from here on; `resumed`: where the run stood before. The session must outlive this.
  void follow(Session& session, int64_t total_steps, int64_t steps_per_epoch,
              const std::optional<TrainPosition>& resumed);

  // All from here on are called on every rank.
  // A step of so many samples, after which the run stands at `at`.
  void add_step(int64_t samples, const TrainPosition& at);
  // A log line about the steps since the last one, if there are any.
  void log_steps(const TrainPosition& at, double learning_rate);
  // Waits until all steps are done and writes their lines. Throws what a step found.
  void settle(const TrainPosition& at);
  // What was no training has ended: the time of the next steps begins here.
  void restart_clock() { pace_.restart(); }
  void evaluation(int64_t step, const Evaluation& evaluation);
  // The evaluation has no such metric, the best model so far was not saved, a checkpoint failed, if `why` is not empty.
  void undefined(int64_t step, const std::string& metric, const Metrics& overall);
  void model_not_saved(int64_t step, const std::string& why);
  void checkpoint_failed(const std::string& why);
  // All that was written reaches the files.
  void flush();
  // The summary; source counters of this rank.
  void finish(Ending ending, const TrainPosition& at, RunSaves& saves, const SourceCounters& first_epoch,
              const SourceCounters& validation);

 private:
  void note(const std::string& line);
  [[nodiscard]] RunEnding describe_end(Ending ending, const TrainPosition& at, const BestModel& best) const;

  const config::Experiment& experiment_;
  const RunFolder& folder_;
  Communicator& communicator_;
  std::ostream& out_;
  Pace pace_;
  std::optional<RunLog> log_;  // rank 0
  Session* session_ = nullptr;
  std::optional<StepLog> step_log_;
  std::optional<TrainPosition> resumed_;
  int64_t total_steps_ = 0, steps_per_epoch_ = 0;
};

}  // namespace polyscene
