#include "core/train/run_saves.h"

#include <chrono>
#include <iomanip>
#include <sstream>
#include <utility>
#include <vector>

#include "core/checkpoint/model_files.h"
#include "core/data/file_list.h"
#include "core/session/together.h"
#include "ops/base/warning.h"

namespace polyscene::core {
namespace {

// Adds the time until it goes.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string describe_validation(const config::Data& data) {
  return data.valid_files_size() == 0 ? "" : describe_files(list_files(data, Split::kValid), true);
}

std::string times(int64_t count) { return str(count, count == 1 ? " time" : " times"); }

}  // namespace

RunSaves::RunSaves(const config::Experiment& experiment, const RunFolder& folder, Session& session)
    : experiment_(experiment),
      folder_(folder),
      session_(session),
      data_(describe_files(list_files(experiment.data(), Split::kTrain))),
      every_(experiment.train().checkpoint().every_steps()),
      best_(experiment.train(), describe_validation(experiment.data()), folder, session.communicator(),
            [this](const std::string& model) { save(model); }) {}

TrainPosition RunSaves::resume_from(const std::string& checkpoint) {
  TrainPosition position = load_checkpoint(checkpoint, data_, session_.state());
  const std::string reset_note = best_.resume_from(position.best);
  if (!reset_note.empty() && session_.communicator().rank() == 0) warn(str("[train] ", reset_note));
  last_ = begun_ = position.step;
  return position;
}

void RunSaves::save(const std::string& model) {
  const Stopwatch watch(model_seconds_);
  for (bool saved = false; !saved;) {
    try {
      save_model(model, experiment_, session_.state());
      saved = true;
    } catch (const DataError& failure) {
      if (!make_room(failure)) throw;
    }
  }
  ++models_;
}

bool RunSaves::make_room(const DataError& failure) {
  if (pending_ != nullptr) {
    unsaid_ = finish_checkpoint();
    return true;
  }
  if (dynamic_cast<const NoSpace*>(&failure) == nullptr) return false;
  std::vector<std::string> removed;
  together(session_.communicator(), [&] {
    if (session_.communicator().rank() == 0) removed = remove_all_but_newest(folder_, experiment_.train().checkpoint());
  });
  for (const std::string& name : removed)
    warn(str("[train] the disk is full: removed ", folder_.checkpoints(), "/", name,
             ", which was not the newest, to make room for a model"));
  auto count = std::ssize(removed);
  session_.communicator().all_reduce<int64_t>({&count, 1});
  return count > 0;
}

std::string RunSaves::checkpoint(TrainPosition position) {
  position.best = best_.best();
  std::string failure = finish_checkpoint();
  const Stopwatch watch(checkpoint_seconds_);
  begun_ = position.step;
  try {
    const bool adds = base_ && added_ + 1 < experiment_.train().checkpoint().full_every();
    pending_ = std::make_unique<CheckpointSave>(folder_, experiment_, data_, position, session_.state(),
                                                adds ? base_ : std::nullopt);
    begun_added_ = adds ? added_ + 1 : 0;
    best_.keep(position.best ? position.best->model : "");
  } catch (const DataError& error) {
    failure_ = str("step ", position.step, ": ", error.what());
    failure += (failure.empty() ? "" : "\n") + failure_;
  }
  return failure;
}

std::string RunSaves::finish_checkpoint() {
  std::string failures = std::exchange(unsaid_, {});
  if (pending_ == nullptr) return failures;
  const Stopwatch watch(checkpoint_seconds_);
  const std::unique_ptr<CheckpointSave> save = std::move(pending_);
  best_.keep("");
  try {
    save->finish();
  } catch (const DataError& error) {
    failure_ = str("step ", save->step(), ": ", error.what());
    return failures + (failures.empty() ? "" : "\n") + failure_;
  }
  last_ = save->step();
  base_ = save->as_base();
  added_ = begun_added_;
  ++checkpoints_;
  return failures;
}

bool RunSaves::due(int64_t step) const { return every_ > 0 && step % every_ == 0; }

std::string RunSaves::describe() const {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2);
  if (checkpoints_ > 0)
    out << "resume   " << folder_.checkpoints() << " (saved " << times(checkpoints_) << ", training waited "
        << checkpoint_seconds_ << " s in all, last at step " << last_ << ")\n";
  if (!failure_.empty()) out << "a checkpoint could not be written, at " << failure_ << "\n";
  out << "model    " << folder_.model() << " (saved " << times(models_) << ", " << model_seconds_ << " s in all)\n";
  return out.str();
}

}  // namespace polyscene::core
