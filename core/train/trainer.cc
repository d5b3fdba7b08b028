#include "core/train/trainer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "core/checkpoint/warm_start.h"
#include "core/config/load.h"
#include "core/files/text_file.h"
#include "core/run/run_folder.h"
#include "core/session/batches_ahead.h"
#include "core/session/evaluator.h"
#include "core/session/left_out.h"
#include "core/session/session.h"
#include "core/train/open_source.h"
#include "core/train/run_report.h"
#include "core/train/run_saves.h"
#include "core/train/schedule.h"

namespace polyscene::core {
namespace {

class Trainer {
 public:
  Trainer(const TrainJob& job, const dist::Rank& rank, std::ostream& out)
      : job_(job),
        experiment_(job.experiment),
        train_(experiment_.train()),
        rank_(rank),
        communicator_(rank.communicator),
        folder_(job.output),
        schema_(FeatureSchema::from(job.experiment.data())),
        report_(experiment_, folder_, communicator_, out) {
    if (!resumes()) experiment_.mutable_data()->clear_id_kind();  // of the run whose configuration it was
    if (is_leader()) {
      check_input_files(job.experiment.data(), folder_, job.overwrite);
      lock_ = resumes() ? folder_.reopen() : folder_.claim(job.overwrite);
    }
    resume_ = agreed_checkpoint();
    sources_ = open_run_sources(experiment_, folder_, communicator_);
    sources_.train->files().ids.save(*experiment_.mutable_data());
    total_steps_ = train_source().steps_per_epoch() * train_.epochs();
    if (train_.max_steps() > 0) total_steps_ = std::min(total_steps_, train_.max_steps());
  }

  void run() {
    start();
    const Ending ending = run_epochs();
    report_.settle(at_);
    if (saves_->missing(at_.step)) save_position();
    report_.checkpoint_failed(saves_->finish_checkpoint());
    finish(ending);
  }

 private:
  [[nodiscard]] bool is_leader() const { return communicator_.rank() == 0; }
  [[nodiscard]] bool resumes() const { return !job_.resume.empty(); }
  [[nodiscard]] BestModel& best() { return saves_->best(); }
  [[nodiscard]] BatchSource& train_source() { return *sources_.train; }

  // Behind the lock: a job that was waited for may have saved others meanwhile. Ranks may have found different ones.
  [[nodiscard]] std::string agreed_checkpoint() {
    std::string first;
    if (is_leader()) first = job_.resume_newest ? find_checkpoint(folder_.path()) : job_.resume;
    const std::vector<char> agreed = communicator_.all_gather_v<char>(std::span<const char>(first));
    return {agreed.begin(), agreed.end()};
  }

  void start() {
    session_.emplace(experiment_, schema_, rank_);
    saves_.emplace(experiment_, folder_, *session_);
    std::optional<WarmStartReport> warm;
    if (resumes())
      at_ = saves_->resume_from(resume_);
    else if (train_.has_warm_start())
      warm = warm_start(train_.warm_start(), session_->state());
    if (is_leader()) begin_run(std::move(warm));
    communicator_.barrier();
    report_.follow(*session_, total_steps_, train_source().steps_per_epoch(),
                   resumes() ? std::optional(at_) : std::nullopt);
  }

  // Rank 0. All that may fail before the first step was done: from here on an earlier run is in the way.
  void begin_run(std::optional<WarmStartReport> warm) {
    if (resumes())
      folder_.resume();
    else
      folder_.begin();
    write_text_file(folder_.config(), to_text(experiment_));
    report_.begin({.experiment = experiment_,
                   .rows = train_source().total_rows(),
                   .steps_per_epoch = train_source().steps_per_epoch(),
                   .ranks = communicator_.size(),
                   .real_ranks = job_.real_ranks,
                   .network = communicator_.name(),
                   .device = session_->device_report(),
                   .checkpoint = resume_,
                   .step = at_.step,
                   .warm_start = std::move(warm)});
  }

  Ending run_epochs() {
    if (best().should_stop()) return Ending::kEarlyStop;
    for (bool first = true; at_.step < total_steps_; first = false) {
      const Ending ending = run_epoch();
      if (first) first_epoch_ = train_source().counters();
      if (ending != Ending::kSteps || at_.step == total_steps_) return ending;
      ++at_.epoch;
      at_.batches = 0;
    }
    return Ending::kSteps;
  }

  // Trains the rest of at_.epoch, after its first at_.batches batches.
  Ending run_epoch() {
    train_source().resume_epoch(at_.epoch, at_.batches);
    BatchesAhead batches(read_from(train_source()), *session_);
    while (at_.step < total_steps_) {
      const auto item = batches.next();
      if (!item) break;
      const bool stop = step(*item);
      const bool last = at_.step == total_steps_ || at_.batches == train_source().steps_per_epoch();
      if (at_.step % train_.log_every() == 0 || last || stop) log_steps();
      if (stop) return Ending::kSignal;
      if (last && at_.rows_trained == 0)  // no later epoch has a good row either
        refuse_untrained(at_.step, over_ranks(train_source().counters(), communicator_), folder_.rejects());
      if (sources_.valid && evaluation_due(last) && evaluate_now()) return Ending::kEarlyStop;
      if (saves_->due(at_.step)) save_position();
    }
    return Ending::kSteps;
  }

  // One global batch. Returns whether some rank was asked to stop: all learn it at the same step.
  bool step(const BatchesAhead::Item& item) {
    std::array<int64_t, 3> agreed = {item.batch.rows, job_.stop != nullptr && *job_.stop ? 1 : 0,
                                     saves_->written() ? 1 : 0};
    communicator_.all_reduce<int64_t>(agreed);
    if (agreed[2] == communicator_.size()) report_.checkpoint_failed(saves_->finish_checkpoint());
    factor_ = learning_rate_factor(train_.schedule(), at_.step, total_steps_);
    if (agreed[0] > 0) {
      session_->train_step(item.batch, agreed[0], factor_, item.prepared);
      ++at_.trained_steps;
    }
    ++at_.step;
    ++at_.batches;
    at_.rows_trained += agreed[0];
    report_.add_step(agreed[0], at_);
    return agreed[1] > 0;
  }

  void log_steps() { report_.log_steps(at_, factor_ * train_.optimizer().learning_rate()); }

  [[nodiscard]] bool evaluation_due(bool last_of_epoch) const {
    if (train_.eval_every() > 0) return at_.step % train_.eval_every() == 0 || at_.step == total_steps_;
    return last_of_epoch;
  }

  // Evaluates, saves the model where it is the best so far; true when it is time to stop.
  bool evaluate_now() {
    log_steps();  // keeps evaluation out of the next samples/s
    report_.settle(at_);
    const Evaluation evaluation = evaluate_split(*session_, *sources_.valid);
    report_.evaluation(at_.step, evaluation);
    take_in(evaluation);
    if (is_leader()) folder_.settle(true);
    report_.restart_clock();
    return best().should_stop();
  }

  // A model that does not fit on a full disk does not end training: the one before stays the best, and a later one may
  // fit.
  void take_in(const Evaluation& evaluation) {
    try {
      if (best().evaluated(evaluation, at_.step) == BestModel::Verdict::kUndefined)
        report_.undefined(at_.step, best().metric_name(), evaluation.overall);
    } catch (const DataError& error) {
      report_.model_not_saved(at_.step, error.what());
    }
  }

  void save_position() {
    log_steps();
    report_.settle(at_);
    report_.flush();
    report_.checkpoint_failed(saves_->checkpoint(at_));
    report_.restart_clock();
  }

  void finish(Ending ending) {
    best().finish(at_.step);
    if (is_leader()) folder_.settle(true);
    report_.finish(ending, at_, *saves_, first_epoch_, sources_.valid ? sources_.valid->counters() : SourceCounters());
  }

  const TrainJob& job_;
  config::Experiment experiment_;  // the job's, with what its ids are
  const config::Train& train_;
  const dist::Rank& rank_;
  dist::Communicator& communicator_;
  RunFolder folder_;
  std::string resume_;          // the checkpoint to resume; empty: a new run
  std::shared_ptr<void> lock_;  // rank 0; before all that writes into the folder, which must have ended when it goes
  FeatureSchema schema_;
  RunSources sources_;
  std::optional<Session> session_;
  std::optional<RunSaves> saves_;  // a checkpoint on its way looks at the session
  RunReport report_;
  TrainPosition at_;
  int64_t total_steps_ = 0;
  double factor_ = 1;           // of the learning rate, in the last step
  SourceCounters first_epoch_;  // of this rank
};

}  // namespace

void train(const TrainJob& job, const dist::Rank& rank, std::ostream& out) { Trainer(job, rank, out).run(); }

}  // namespace polyscene::core
