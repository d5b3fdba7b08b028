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
//   model, best_model                 links to the last model, and to that of the best evaluation
//   earlier_best_model                link to the best model before a resume with another metric or other files
//   checkpoints/step-NNNNNNNNNN/      checkpoints to resume from, see core/checkpoint/checkpoint.h
//   .replaced/                        the run that this one replaces, see replaced_run.h
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/run/replaced_run.h"

namespace polyscene::core {

class RunFolder {
 public:
  // Creates nothing. Throws InvalidArgument when the path is empty.
  explicit RunFolder(const std::string& path);

  // For a new run: creates and locks the folder, and removes nothing. Before that, and again when the lock is released,
  // it restores a run that a killed job was overwriting, unless the new run has saved a checkpoint or a model. Throws
  // InvalidArgument when the folder holds other files, or a run without `overwrite`; DataError when it cannot be
  // created. For one rank only, like all functions that follow.
  [[nodiscard]] std::shared_ptr<void> claim(bool overwrite) const;
  // Begins the new run: sets an earlier one aside until settle() finds a model of the new one. Throws DataError, with
  // the earlier run back in its place.
  void begin() const;
  // For a resumed run: locks the folder like claim().
  [[nodiscard]] std::shared_ptr<void> reopen() const;
  // Resumes the run: creates folders that a copy left out, and clears the lists of bad records. Throws DataError.
  void resume() const;
  // Decides on the run that was set aside: removes it if the new run has saved a model; puts it back if the new one has
  // neither a model nor a checkpoint and `running` is false. Throws DataError.
  void settle(bool running) const;
  // Like settle(false) for a caller without a lock. Does nothing unless a job was killed while it replaced a run.
  void recover() const;
  // Throws InvalidArgument when the file belongs to a run in this folder, which would be set aside with it. `what`
  // names the file in the message.
  void require_outside(const std::string& file, const std::string& what) const;
  // Keeps other jobs out of the folder until the result is destroyed. Waits up to ten seconds for a job that holds the
  // lock, then throws InvalidArgument naming that job. For one rank only, on an existing folder.
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
  // Names of all entries that may belong to a run, except the lock.
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

}  // namespace polyscene::core
