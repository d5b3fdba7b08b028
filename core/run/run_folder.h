// The folder of one run:
//   config.pbtxt                      resolved configuration
//   metrics.jsonl                     one JSON object per log line and evaluation
//   events/                           TensorBoard
//   rejects/SPLIT-rankR.jsonl         bad records
//   models/step-NNNNNNNNNN/           a model, see core/checkpoint/run_models.h:
//     dense.safetensors               dense parameters by name
//     tables/T-R-of-N.safetensors     rows of table T on rank R
//     config.pbtxt                    the configuration the model was trained with
//     scenarios.json                  names of scenarios that are strings
//   model, best_model                 links to the last one, and to that of the best evaluation
//   earlier_best_model                a link to the best one before its evaluation was of another metric or other files
//   checkpoints/step-NNNNNNNNNN/      what training goes on from, see core/checkpoint/checkpoint.h
//   .replaced/                        the run that this one is to take the place of, see replaced_run.h
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/run/replaced_run.h"

namespace polyscene {

class RunFolder {
 public:
  // Names only; nothing is created. Throws InvalidArgument when the path is empty.
  explicit RunFolder(const std::string& path);

  // For a new run: makes the folder, locks it and removes nothing. Throws InvalidArgument when it holds other files, or
  // a run unless that is to be overwritten, DataError when it cannot be made. For one rank only, like all that follow.
  // What a job that was ended while it overwrote a run has left is put right first, and again when this lock goes: the
  // earlier run is back then, unless the new one has saved a checkpoint or a model.
  [[nodiscard]] std::shared_ptr<void> claim(bool overwrite) const;
  // The new run begins: an earlier one is set aside, until settle() finds a model of the new one. Throws DataError, and
  // the earlier run is where it was.
  void begin() const;
  // For a run that goes on: locks it like claim().
  [[nodiscard]] std::shared_ptr<void> reopen() const;
  // It goes on: makes what a copy left out, and lists bad records anew. Throws DataError.
  void go_on() const;
  // Of the run that was set aside: removes it once the new run has saved a model, puts it back where the new one has
  // neither model nor checkpoint and `running` is false. Throws DataError.
  void settle(bool running) const;
  // The same for who holds no lock, where a job was ended in the middle; elsewhere nothing.
  void recover() const;
  // Throws InvalidArgument where the file belongs to a run here, which would be set aside with it. `what` names it.
  void require_outside(const std::string& file, const std::string& what) const;
  // Keeps other jobs out of the folder until it is given back. Waits up to ten seconds for a job that has it, then
  // throws InvalidArgument naming that job. For one rank only, on a folder that is there.
  [[nodiscard]] std::shared_ptr<void> lock() const;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string config() const { return path_ + "/config.pbtxt"; }
  [[nodiscard]] std::string metrics() const { return path_ + "/metrics.jsonl"; }
  [[nodiscard]] std::string events() const { return path_ + "/events"; }
  [[nodiscard]] std::string model() const { return path_ + "/model"; }
  [[nodiscard]] std::string best_model() const { return path_ + "/best_model"; }
  [[nodiscard]] std::string earlier_best_model() const { return path_ + "/earlier_best_model"; }
  [[nodiscard]] std::string models() const { return path_ + "/models"; }
  [[nodiscard]] std::string checkpoints() const { return path_ + "/checkpoints"; }
  [[nodiscard]] std::string lock_file() const { return path_ + "/lock"; }
  [[nodiscard]] std::string rejects() const { return path_ + "/rejects"; }
  // Names of all that belongs to a run, where it is there, but the lock.
  [[nodiscard]] static const std::vector<std::string>& own_entries();

 private:
  [[nodiscard]] ReplacedRun replaced() const;
  [[nodiscard]] bool holds_run() const;
  [[nodiscard]] bool holds_model() const;
  [[nodiscard]] bool holds_checkpoint() const;
  void require_free(bool overwrite) const;
  void require_no_others() const;
  [[nodiscard]] std::shared_ptr<void> settling(std::shared_ptr<void> lock) const;
  void make_folders() const;

  std::string path_;
};

}  // namespace polyscene
