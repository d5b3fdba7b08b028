#include "core/train/run_report.h"

#include <ostream>

#include "core/session/left_out.h"
#include "core/train/report/run_notes.h"
#include "core/train/table_summary.h"
#include "ops/base/ratio.h"

namespace polyscene::core {

RunReport::RunReport(const config::Experiment& experiment, const RunFolder& folder, dist::Communicator& communicator,
                     std::ostream& out)
    : experiment_(experiment), folder_(folder), communicator_(communicator), out_(out) {}

void RunReport::begin(const RunStart& start) {
  log_.emplace(folder_, out_, !start.checkpoint.empty());
  print(out_, start);
}

void RunReport::follow(Session& session, int64_t total_steps, int64_t steps_per_epoch,
                       const std::optional<TrainPosition>& resumed) {
  session_ = &session;
  total_steps_ = total_steps;
  steps_per_epoch_ = steps_per_epoch;
  resumed_ = resumed;
  step_log_.emplace(session, log_ ? &*log_ : nullptr, resumed ? resumed->trained_steps : 0);
}

void RunReport::add_step(int64_t samples, const TrainPosition& at) {
  step_log_->write_due(at.trained_steps);
  pace_.add_step(samples);
}

void RunReport::log_steps(const TrainPosition& at, double learning_rate) {
  if (!pace_.has_steps()) return;
  const Pace::Lap lap = pace_.take_lap();
  step_log_->add({.step = at.step,
                  .total_steps = total_steps_,
                  .epoch = ratio(at.step, steps_per_epoch_),
                  .samples_s = lap.samples_s,
                  .loss = 0,
                  .eta_s = static_cast<double>(total_steps_ - at.step) * lap.step_s},
                 learning_rate, at.trained_steps);
  pace_.restart();
}

void RunReport::settle(const TrainPosition& at) {
  pace_.time([&] {
    step_log_->write_all(at.trained_steps);
    session_->settle();
  });
}

void RunReport::evaluation(int64_t step, const Evaluation& evaluation) {
  if (log_) log_->evaluation(step, "valid", evaluation);
}

void RunReport::note(const std::string& line) {
  if (log_) log_->note(line);
}

void RunReport::undefined(int64_t step, const std::string& metric, const Metrics& overall) {
  note(describe_undefined(step, metric, overall, experiment_.train().has_early_stop()));
}

void RunReport::model_not_saved(int64_t step, const std::string& why) { note(describe_unsaved_model(step, why)); }

void RunReport::checkpoint_failed(const std::string& why) {
  if (!why.empty()) note(describe_failed_checkpoint(why));
}

void RunReport::flush() {
  if (log_) log_->flush();
}

RunEnding RunReport::describe_end(Ending ending, const TrainPosition& at, const BestModel& best) const {
  return {.ending = ending,
          .step = at.step,
          .samples = at.rows_trained,
          .resumed_step = resumed_ ? std::optional(resumed_->step) : std::nullopt,
          .resumed_samples = resumed_ ? resumed_->rows_trained : 0,
          .seconds = pace_.seconds(),
          .by_max_steps = total_steps_ == experiment_.train().max_steps(),
          .model_is_best = best.ends_with_best()};
}

void RunReport::finish(Ending ending, const TrainPosition& at, RunSaves& saves, const SourceCounters& first_epoch,
                       const SourceCounters& validation) {
  const BestModel& best = saves.best();
  const RunSummary summary{.experiment = experiment_,
                           .folder = folder_,
                           .ending = describe_end(ending, at, best),
                           .best = best.best(),
                           .metric = best.metric_name(),
                           .tables = describe(summarize_tables(*session_), *session_),
                           .saves = saves.describe(),
                           .device = session_->device_report(),
                           .replayed = session_->executor().replayed(),
                           .first_epoch = over_ranks(first_epoch, communicator_),
                           .validation = over_ranks(validation, communicator_)};
  if (!log_) return;
  log_->finish();
  print(out_, summary);
}

}  // namespace polyscene::core
