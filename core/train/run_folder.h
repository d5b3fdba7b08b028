// The folder of one run:
//   config.pbtxt                      resolved configuration
//   metrics.jsonl                     one JSON object per log line and evaluation
//   events/                           TensorBoard
//   rejects/SPLIT-rankR.jsonl         bad records
//   models/step-NNNNNNNNNN/           a model, see core/checkpoint/run_models.h:
//     dense.safetensors               dense parameters by name
//     tables/T-R-of-N.safetensors     rows of table T on rank R
//     config.pbtxt                    the configuration the model was trained with
//   model, best_model                 links to the last one, and to that of the best evaluation
//   earlier_best_model                a link to the best one before its evaluation was of another metric or other files
//   checkpoints/step-NNNNNNNNNN/      what training goes on from, see core/checkpoint/checkpoint.h
#pragma once

#include <memory>
#include <string>

namespace polyscene {

// Where a rank lists the bad records that it met in a split: "FOLDER/SPLIT-rankR.jsonl".
[[nodiscard]] std::string reject_file(const std::string& folder, const std::string& split, int rank);

class RunFolder {
 public:
  // Names only; nothing is created. Throws InvalidArgument when the path is empty.
  explicit RunFolder(const std::string& path);

  // Makes the folder ready for a new run and locks it. Throws InvalidArgument when it already holds one (unless
  // `overwrite`, which removes the earlier run's files), DataError when it cannot be made. For one rank only.
  [[nodiscard]] std::shared_ptr<void> create(bool overwrite) const;
  // For a run that goes on: locks it, and makes what a copy left out. For one rank only.
  [[nodiscard]] std::shared_ptr<void> reopen() const;
  // Keeps other jobs out of the folder until it is given back. Throws InvalidArgument naming the job that has it. For
  // one rank only, on a folder that is there.
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

 private:
  void make_folders() const;

  std::string path_;
};

}  // namespace polyscene
