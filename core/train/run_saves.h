// The models and checkpoints that a run writes, and what its summary says of them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/train/run_folder.h"
#include "core/train/session.h"

namespace polyscene {

class RunSaves {
 public:
  // Both must outlive this. Throws like list_files() of the training files.
  RunSaves(const config::Experiment& experiment, const RunFolder& folder);

  // All are collective; nothing may be queued on a device.
  // As load_checkpoint().
  [[nodiscard]] TrainPosition go_on_from(const std::string& checkpoint, Session& session);
  // In place of model/, which goes to the folder `previous` unless that is empty. Throws DataError.
  void model(Session& session, const std::string& previous = {});
  // A checkpoint that cannot be written costs no training: the earlier one stays. Returns why, or nothing.
  [[nodiscard]] std::string checkpoint(Session& session, const TrainPosition& position);

  // Whether the position is due by train.checkpoint.every_steps; or, at the end, not saved yet.
  [[nodiscard]] bool due(int64_t step) const;
  [[nodiscard]] bool missing(int64_t step) const { return every_ > 0 && last_ != step; }
  void print(std::ostream& out) const;

 private:
  const config::Experiment& experiment_;
  const RunFolder& folder_;
  std::string data_;  // describe_files()
  int64_t every_, last_ = 0, models_ = 0, checkpoints_ = 0;
  double model_seconds_ = 0, checkpoint_seconds_ = 0;
  std::string failure_;  // the last one
};

}  // namespace polyscene
