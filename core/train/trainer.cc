#include "core/train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iomanip>
#include <memory>
#include <optional>
#include <ostream>

#include "core/checkpoint/warm_start.h"
#include "core/config/load.h"
#include "core/data/file_list.h"
#include "core/data/reject_files.h"
#include "core/data/scenario_note.h"
#include "core/files/text_file.h"
#include "core/run/run_folder.h"
#include "core/session/batches_ahead.h"
#include "core/session/evaluator.h"
#include "core/session/left_out.h"
#include "core/session/session.h"
#include "core/train/open_source.h"
#include "core/train/run_log.h"
#include "core/train/run_saves.h"
#include "core/train/schedule.h"
#include "core/train/step_log.h"
#include "core/train/table_summary.h"

namespace polyscene {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

enum class Ending { kSteps, kEarlyStop, kSignal };

class Trainer {
 public:
  Trainer(const TrainJob& job, Communicator& communicator, Device* device, std::ostream& out)
      : job_(job),
        experiment_(job.experiment),
        train_(experiment_.train()),
        communicator_(communicator),
        device_(device),
        out_(out),
        folder_(job.output),
        schema_(FeatureSchema::from(job.experiment.data())) {
    if (job.resume.empty()) experiment_.mutable_data()->clear_id_kind();  // of the run whose configuration it was
    if (leads()) {
      check_files();
      lock_ = job.resume.empty() ? folder_.claim(job.overwrite) : folder_.reopen();
    }
    resume_ = agreed_checkpoint();
    source_ = make_source(Split::kTrain, "train", train_.batch_size(), true, train_.min_tail_share());
    if (job.experiment.data().valid_files_size() > 0)
      valid_ = make_source(Split::kValid, "valid", train_.eval_batch_size(), false, 0);
    source_->files().ids.save(*experiment_.mutable_data());
    total_steps_ = source_->steps_per_epoch() * train_.epochs();
    if (train_.max_steps() > 0) total_steps_ = std::min(total_steps_, train_.max_steps());
  }

  void run() {
    session_.emplace(experiment_, schema_, communicator_,
                     SessionOptions{.device = device_, .transport = job_.transport});
    saves_.emplace(experiment_, folder_, *session_);
    std::optional<WarmStartReport> warm;
    if (!job_.resume.empty())
      go_on_from(saves_->go_on_from(resume_));
    else if (train_.has_warm_start())
      warm = warm_start(train_.warm_start(), session_->state());
    if (leads()) {
      // All that may fail before the first step was done: from here on an earlier run is in the way.
      if (job_.resume.empty())
        folder_.begin();
      else
        folder_.go_on();
      start_log();
      if (warm) print(out_, *warm);
    }
    communicator_.barrier();
    step_log_.emplace(*session_, log_ ? &*log_ : nullptr, at_.trained_steps);
    if (const DeviceRanks* ranks = session_->device_ranks(); leads() && ranks != nullptr && communicator_.size() > 1)
      out_ << "devices exchange " << (rows_on_host() ? "gradients of dense parameters by " : "rows and gradients by ")
           << ranks->communicator->name() << (rows_on_host() ? ", the hosts rows and their gradients" : "")
           << (ranks->why.empty() ? "" : " (" + ranks->why + ")") << std::endl;
    Ending ending = best().should_stop() ? Ending::kEarlyStop : Ending::kSteps;
    for (const int64_t first = at_.epoch; at_.step < total_steps_ && ending == Ending::kSteps;
         ++at_.epoch, at_.batches = 0) {
      ending = run_epoch();
      if (at_.epoch == first) first_epoch_ = source_->counters();
      if (ending != Ending::kSteps || at_.step == total_steps_) break;
    }
    settle();
    if (saves_->missing(at_.step)) save_position();
    say_failure(saves_->finish_checkpoint());
    finish(ending);
  }

 private:
  [[nodiscard]] bool leads() const { return communicator_.rank() == 0; }
  [[nodiscard]] bool rows_on_host() const { return job_.experiment.embedding().memory() == config::Embedding::HOST; }

  // Behind the lock: a job that was waited for may have saved others meanwhile. Ranks may have found different ones.
  [[nodiscard]] std::string agreed_checkpoint() {
    std::string first;
    if (leads()) first = job_.resume_newest ? find_checkpoint(folder_.path()) : job_.resume;
    const std::vector<char> agreed = communicator_.all_gather_v<char>(std::span<const char>(first));
    return {agreed.begin(), agreed.end()};
  }

  // Before anything is made; and files of a run that is overwritten would be set aside with it.
  void check_files() const {
    const config::Data& data = job_.experiment.data();
    const auto check = [&](Split split, const char* what) {
      for (const std::string& file : list_files(data, split))
        if (job_.overwrite) folder_.require_outside(file, what);
    };
    check(Split::kTrain, "data.train_files");
    if (data.valid_files_size() > 0) check(Split::kValid, "data.valid_files");
    try {
      if (data.test_files_size() > 0) check(Split::kTest, "data.test_files");
    } catch (const DataError&) {
      // They may come later.
    }
    require_apart(data);
  }

  std::unique_ptr<BatchSource> make_source(Split split, const std::string& name, int64_t batch_size, bool shuffle,
                                           double min_tail_share) {
    const IdKinds trained = source_ ? source_->files().ids.of_tables() : IdKinds(experiment_.data());
    return open_source(experiment_.data(),
                       {.split = split,
                        .seed = experiment_.seed(),
                        .batch_size = batch_size,
                        .shuffle = shuffle,
                        .min_tail_share = min_tail_share,
                        .reject_file = reject_file(folder_.rejects(), name, communicator_.rank()),
                        .rejects_needed = false,
                        .ids = &trained},
                       communicator_);
  }

  void start_log() {
    write_text_file(folder_.config(), to_text(experiment_));
    log_.emplace(folder_, out_, !job_.resume.empty());
    out_ << "training " << job_.experiment.name() << ": " << source_->total_rows() << " rows, "
         << source_->steps_per_epoch() << " steps per epoch, " << ranks() << " (" << communicator_.name() << ")"
         << (device_ == nullptr ? "" : " on " + device_->name()) << std::endl;
    if (const std::string note = scenario_note(job_.experiment.data()); !note.empty()) out_ << note << std::endl;
    if (!job_.resume.empty()) out_ << "going on from step " << at_.step << ", " << resume_ << std::endl;
  }

  // "2 ranks" or "4 virtual ranks on 2 ranks".
  [[nodiscard]] std::string ranks() const {
    const auto count = [](int ranks, const char* what) { return str(ranks, what, ranks == 1 ? " rank" : " ranks"); };
    if (train_.virtual_ranks() == 0) return count(communicator_.size(), "");
    return count(communicator_.size(), " virtual") + " on " + count(job_.real_ranks, "");
  }

  // The rest of at_.epoch, behind its first at_.batches.
  Ending run_epoch() {
    source_->resume_epoch(at_.epoch, at_.batches);
    const int64_t steps_per_epoch = source_->steps_per_epoch();
    BatchesAhead batches(read_from(*source_), *session_);
    while (at_.step < total_steps_) {
      const auto item = batches.next();
      if (!item) break;
      const bool stop = step(*item);
      ++at_.batches;
      const bool last = at_.step == total_steps_ || at_.batches == steps_per_epoch;
      const bool due = train_.eval_every() > 0 ? at_.step % train_.eval_every() == 0 || at_.step == total_steps_ : last;
      if (at_.step % train_.log_every() == 0 || last || stop) log_step();
      if (stop) return Ending::kSignal;
      if (last) require_trained();
      if (due && valid_ && evaluate_now()) return Ending::kEarlyStop;
      if (saves_->due(at_.step)) save_position();
    }
    return Ending::kSteps;
  }

  // An epoch without a good row: no later one has any.
  void require_trained() {
    if (at_.rows_trained > 0) return;
    const SourceCounters read = over_ranks(source_->counters(), communicator_);
    throw DataError(str("[train] nothing was trained: of the rows of ", at_.step, " steps ", read.rows_bad,
                        " were bad and ", read.rows_skipped, " of other scenarios than data.only_scenarios; see ",
                        folder_.rejects(), ", and polyscene data inspect"));
  }

  // One global batch. Returns whether some rank was asked to stop: all learn it at the same step.
  bool step(const BatchesAhead::Item& item) {
    std::array<int64_t, 3> agreed = {item.batch.rows, job_.stop != nullptr && *job_.stop ? 1 : 0,
                                     saves_->written() ? 1 : 0};
    communicator_.all_reduce<int64_t>(agreed);
    if (agreed[2] == communicator_.size()) say_failure(saves_->finish_checkpoint());
    factor_ = learning_rate_factor(train_.schedule(), at_.step, total_steps_);
    if (agreed[0] > 0) {
      session_->train_step(item.batch, agreed[0], factor_, item.prepared);
      ++at_.trained_steps;
    }
    step_log_->write_due(at_.trained_steps);
    ++at_.step;
    ++steps_since_log_;
    rows_since_log_ += agreed[0];
    at_.rows_trained += agreed[0];
    return agreed[1] > 0;
  }

  void log_step() {
    if (steps_since_log_ == 0) return;
    const double seconds = std::max(now_s() - log_start_s_, 1e-9), left = static_cast<double>(total_steps_ - at_.step);
    train_seconds_ += seconds;
    step_log_->add({.step = at_.step,
                    .total_steps = total_steps_,
                    .epoch = static_cast<double>(at_.step) / static_cast<double>(source_->steps_per_epoch()),
                    .samples_s = static_cast<double>(rows_since_log_) / seconds,
                    .loss = 0,
                    .eta_s = left * seconds / static_cast<double>(steps_since_log_)},
                   factor_ * train_.optimizer().learning_rate(), at_.trained_steps);
    steps_since_log_ = rows_since_log_ = 0;
    log_start_s_ = now_s();
  }

  // Before the model is looked at: all steps are done, and were good.
  void settle() {
    const double start = now_s();
    step_log_->write_all(at_.trained_steps);
    session_->settle();
    train_seconds_ += now_s() - start;
  }

  // Evaluates, saves the model where it is the best so far; true when it is time to stop.
  bool evaluate_now() {
    log_step();  // keeps evaluation out of the next samples/s
    settle();
    const Evaluation evaluation = evaluate_split(*session_, *valid_);
    if (leads()) log_->evaluation(at_.step, "valid", evaluation);
    take_in(evaluation);
    if (leads()) folder_.settle(true);
    log_start_s_ = now_s();
    return best().should_stop();
  }

  // A model that a full disk does not take ends no training: the one before stays the best, and a later one may fit.
  void take_in(const Evaluation& evaluation) {
    try {
      if (best().evaluated(evaluation, at_.step) == BestModel::Verdict::kUndefined && leads())
        log_->note(str("step ", at_.step, "  the validation split has no ", best().metric_name(), " (",
                       evaluation.overall.rows, " rows, ", evaluation.overall.positives,
                       " of them positive): this evaluation is not the best one",
                       train_.has_early_stop() ? ", and train.early_stop does not count it" : ""));
    } catch (const DataError& error) {
      if (leads()) log_->note(str("model of step ", at_.step, " not saved, training goes on: ", error.what()));
    }
  }

  [[nodiscard]] BestModel& best() { return saves_->best(); }

  void go_on_from(const TrainPosition& position) {
    at_ = position;
    rows_before_ = position.rows_trained;
    step_before_ = position.step;
  }

  void save_position() {
    log_step();
    settle();
    if (leads()) log_->flush();
    say_failure(saves_->checkpoint(at_));
    log_start_s_ = now_s();
  }

  void say_failure(const std::string& failure) {
    if (!failure.empty() && leads()) log_->note("checkpoint failed, training goes on: " + failure);
  }

  void finish(Ending ending) {
    best().finish(at_.step);
    if (leads()) folder_.settle(true);
    print_summary(ending);
  }

  void print_summary(Ending ending) {
    const TableSummary tables = summarize_tables(*session_);
    const SourceCounters trained = over_ranks(first_epoch_, communicator_);
    const SourceCounters validated = over_ranks(valid_ ? valid_->counters() : SourceCounters(), communicator_);
    if (!leads()) return;
    log_->finish();
    print_ending(ending);
    if (const auto& evaluated = best().best())
      out_ << "best " << best().metric_name() << " " << std::fixed << std::setprecision(5) << evaluated->value
           << " at step " << evaluated->step << (evaluated->step == at_.step ? "" : where_best_is()) << "\n";
    print(out_, tables, *session_);
    if (device_ != nullptr)
      out_ << "device   " << device_->name() << ": peak " << device_->use().describe_peak() << ", waited for "
           << device_->use().waits(HostWait::kResult) << " times, held back "
           << device_->use().waits(HostWait::kThrottle) << " times; steps queued as a recorded graph "
           << session_->executor().replayed() << '\n';
    print_left_out(out_, "first epoch", trained, "see " + folder_.rejects());
    print_left_out(out_, "validation", validated, "see " + folder_.rejects());
    saves_->print(out_);
    out_ << "metrics  " << folder_.metrics() << "\nevents   " << folder_.events() << " (tensorboard --logdir "
         << folder_.path() << ")\nconfig   " << folder_.config() << "\n"
         << "next:    polyscene evaluate --run " << folder_.path() << " --split " << split_to_evaluate() << std::endl;
  }

  void print_ending(Ending ending) {
    const bool nothing_left = at_.step == step_before_ && ending != Ending::kSignal;
    switch (ending) {
      case Ending::kSteps:
        if (nothing_left)
          out_ << "nothing left to do: all " << at_.step << " steps are done, raise "
               << (total_steps_ == train_.max_steps() ? "train.max_steps" : "train.epochs") << " to go on";
        else
          out_ << "done: " << at_.step << " steps";
        break;
      case Ending::kEarlyStop:
        if (nothing_left)
          out_ << "nothing left to do: train.early_stop ended the run at step " << at_.step
               << ", raise train.early_stop.patience or leave train.early_stop out to go on";
        else
          out_ << "stopped early at step " << at_.step;
        break;
      case Ending::kSignal:
        out_ << "stopped by a signal after step " << at_.step
             << (best().ends_with_best() ? "" : "; the model is saved");
        break;
    }
    out_ << ", " << at_.rows_trained << " samples";
    if (!nothing_left)
      out_ << std::fixed << std::setprecision(1) << ", "
           << static_cast<double>(at_.rows_trained - rows_before_) / std::max(train_seconds_, 1e-9) << " samples/s";
    out_ << '\n';
  }

  // The files of the test split may come later, and then those of the validation split are what there is.
  [[nodiscard]] const char* split_to_evaluate() const {
    for (const Split split : {Split::kTest, Split::kValid}) {
      try {
        if (!list_files(job_.experiment.data(), split).empty()) return split_name(split);
      } catch (const Error&) {
        continue;
      }
    }
    return split_name(Split::kTrain);
  }

  [[nodiscard]] std::string where_best_is() {
    return train_.has_early_stop() ? " (the model is that of this step)"
                                   : ", kept in " + folder_.best_model() + " (evaluate and predict: --best)";
  }

  const TrainJob& job_;
  config::Experiment experiment_;  // the job's, with what its ids are
  const config::Train& train_;
  Communicator& communicator_;
  Device* device_;
  std::ostream& out_;
  RunFolder folder_;
  std::string resume_;          // the checkpoint to go on from; empty: a new run
  std::shared_ptr<void> lock_;  // rank 0; before all that writes into the folder, which must have ended when it goes
  FeatureSchema schema_;
  std::unique_ptr<BatchSource> source_, valid_;
  std::optional<Session> session_;
  std::optional<RunSaves> saves_;  // a checkpoint on its way looks at the session
  std::optional<RunLog> log_;      // rank 0
  std::optional<StepLog> step_log_;
  TrainPosition at_;

  int64_t total_steps_ = 0, rows_before_ = 0, step_before_ = -1;  // before: in the run that this goes on from
  int64_t steps_since_log_ = 0, rows_since_log_ = 0;
  SourceCounters first_epoch_;  // of this rank
  double factor_ = 1, log_start_s_ = now_s(), train_seconds_ = 0;
};

}  // namespace

void train(const TrainJob& job, Communicator& communicator, Device* device, std::ostream& out) {
  Trainer(job, communicator, device, out).run();
}

}  // namespace polyscene
