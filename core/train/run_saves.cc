#include "core/train/run_saves.h"

#include <glog/logging.h>

#include <chrono>
#include <filesystem>
#include <iomanip>
#include <ostream>

#include "core/checkpoint/model_files.h"
#include "core/data/file_list.h"

namespace polyscene {
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

std::string times(int64_t count) { return str(count, count == 1 ? " time" : " times"); }

}  // namespace

RunSaves::RunSaves(const config::Experiment& experiment, const RunFolder& folder)
    : experiment_(experiment),
      folder_(folder),
      data_(describe_files(list_files(experiment.data(), Split::kTrain))),
      every_(experiment.train().checkpoint().every_steps()) {}

TrainPosition RunSaves::go_on_from(const std::string& checkpoint, Session& session) {
  TrainPosition position = load_checkpoint(checkpoint, data_, session);
  if (position.best_step && !std::filesystem::exists(folder_.model() + "/dense.safetensors")) {
    LOG_IF(WARNING, session.communicator().rank() == 0)
        << "[train] the best model so far, of step " << *position.best_step << ", is not in " << folder_.path()
        << ": the best is from now on one of those that come; copy model/ and best_model/ too to keep it";
    position.best.reset();
    position.best_step.reset();
    position.misses = 0;
  }
  last_ = begun_ = position.step;
  return position;
}

void RunSaves::model(Session& session, const std::string& previous) {
  const Stopwatch watch(model_seconds_);
  save_model(folder_.model(), experiment_, session, previous);
  ++models_;
}

std::string RunSaves::checkpoint(Session& session, const TrainPosition& position) {
  std::string failure = finish_checkpoint();
  const Stopwatch watch(checkpoint_seconds_);
  begun_ = position.step;
  try {
    const bool adds = base_ && added_ + 1 < experiment_.train().checkpoint().full_every();
    pending_ =
        std::make_unique<CheckpointSave>(folder_, experiment_, data_, position, session, adds ? base_ : std::nullopt);
    begun_added_ = adds ? added_ + 1 : 0;
  } catch (const DataError& error) {
    failure_ = str("step ", position.step, ": ", error.what());
    failure += (failure.empty() ? "" : "\n") + failure_;
  }
  return failure;
}

std::string RunSaves::finish_checkpoint() {
  if (pending_ == nullptr) return {};
  const Stopwatch watch(checkpoint_seconds_);
  const std::unique_ptr<CheckpointSave> save = std::move(pending_);
  try {
    save->finish();
  } catch (const DataError& error) {
    return failure_ = str("step ", save->step(), ": ", error.what());
  }
  last_ = save->step();
  base_ = save->as_base();
  added_ = begun_added_;
  ++checkpoints_;
  return {};
}

bool RunSaves::due(int64_t step) const { return every_ > 0 && step % every_ == 0; }

void RunSaves::print(std::ostream& out) const {
  out << std::fixed << std::setprecision(2);
  if (checkpoints_ > 0)
    out << "resume   " << folder_.checkpoints() << " (saved " << times(checkpoints_) << ", training waited "
        << checkpoint_seconds_ << " s in all, last at step " << last_ << ")\n";
  if (!failure_.empty()) out << "a checkpoint could not be written, at " << failure_ << "\n";
  out << "model    " << folder_.model() << " (saved " << times(models_) << ", " << model_seconds_ << " s in all)\n";
}

}  // namespace polyscene
