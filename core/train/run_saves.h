// The models and checkpoints that a run writes, and what its summary says of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/run/run_folder.h"
#include "core/session/session.h"
#include "core/train/best_model.h"

namespace polyscene::core {

class RunSaves {
 public:
  // All must outlive this. Throws like list_files() of the files for training and validation.
  RunSaves(const config::Experiment& experiment, const RunFolder& folder, Session& session);

  // All are collective; nothing may be queued on a device.
  // Like load_checkpoint(). Restores the best evaluation so far too.
  [[nodiscard]] TrainPosition resume_from(const std::string& checkpoint);
  // The best evaluation so far, and model/ and best_model/.
  [[nodiscard]] BestModel& best() { return best_; }
  // Begins a checkpoint, which is written while training goes on; finishes the one before it first. A checkpoint that
  // cannot be written costs no training: the earlier one stays. Returns why, or nothing.
  [[nodiscard]] std::string checkpoint(TrainPosition position);
  // Finishes the checkpoint that was begun, if any; waits for it where it is not written. The same.
  [[nodiscard]] std::string finish_checkpoint();
  // Whether this rank has written its part of it.
  [[nodiscard]] bool written() const { return pending_ != nullptr && pending_->written(); }

  // Whether the position is due by train.checkpoint.every_steps; or, at the end, neither saved nor about to be.
  [[nodiscard]] bool due(int64_t step) const;
  [[nodiscard]] bool missing(int64_t step) const { return every_ > 0 && begun_ != step; }
  // Lines of the run's summary.
  [[nodiscard]] std::string describe() const;

 private:
  // Saves a model. It is worth more than a checkpoint that may be what fills the disk: see make_room().
  void save(const std::string& model);
  // Collective, after save_model() failed on every rank: finishes a checkpoint that is being written, which fails too
  // and leaves nothing; where there is none and the disk is full, removes all checkpoints but the newest. Whether
  // there is something to try again with.
  bool make_room(const DataError& failure);

  const config::Experiment& experiment_;
  const RunFolder& folder_;
  Session& session_;
  std::string data_;  // describe_files()
  std::unique_ptr<CheckpointSave> pending_;
  std::optional<CheckpointBase> base_;   // the last one that this job has finished
  int64_t added_ = 0, begun_added_ = 0;  // how many since the last whole one: up to it, and to the pending one
  int64_t every_, begun_ = 0, last_ = 0, models_ = 0, checkpoints_ = 0;
  double model_seconds_ = 0, checkpoint_seconds_ = 0;
  std::string failure_;  // the last one
  std::string unsaid_;   // for the next finish_checkpoint() to return
  BestModel best_;
};

}  // namespace polyscene::core
