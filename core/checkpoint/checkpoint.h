// What training goes on from after it was ended, by a signal, a fault or a plan: checkpoints/step-NNNNNNNNNN/ of a run
// has the parts of a model with state (model_parts.h) and manifest.pbtxt, which is written last. README.md tells the
// rules.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/checkpoint/folders.h"
#include "core/checkpoint/model_parts.h"
#include "core/run/run_folder.h"
#include "core/session/model_state.h"

namespace polyscene {

// The best evaluation of a run so far.
struct BestSoFar {
  std::string metric = {};  // by which it is the best, as train.early_stop.metric has it; empty in older checkpoints
  double value = 0;
  int64_t step = 0;
  int misses = 0;          // evaluations since that count for train.early_stop
  std::string model = {};  // of that step: its name below models/ of the run; empty in older checkpoints
  std::string valid = {};  // describe_files() of the validation files; empty in older checkpoints

  friend bool operator==(const BestSoFar&, const BestSoFar&) = default;
};

// Where a run stands between two steps.
struct TrainPosition {
  int64_t step = 0, trained_steps = 0;  // trained: those with rows
  int64_t epoch = 0, batches = 0;       // batches of the epoch that are done
  int64_t rows_trained = 0;
  std::optional<BestSoFar> best = {};

  friend bool operator==(const TrainPosition&, const TrainPosition&) = default;
};

// A whole checkpoint of the same run: its step, and how often the tables had been updated.
struct CheckpointBase {
  int64_t step = 0, table_updates = 0;
};

// A checkpoint that is written while training goes on: it is of the step at which it was begun.
class CheckpointSave {
 public:
  // Collective; nothing may be queued on a device. Lets a thread write what the rank has now: each rank its rows, rank
  // 0 the rest. `data`: describe_files() of the training files. All but that must outlive this. Throws DataError on
  // every rank when any rank failed. With a base, of the run, the one that is saved holds the rows that were trained
  // since.
  CheckpointSave(const RunFolder& run, const config::Experiment& experiment, const std::string& data,
                 const TrainPosition& position, const ModelState& model, std::optional<CheckpointBase> base = {});
  CheckpointSave(const CheckpointSave&) = delete;
  CheckpointSave& operator=(const CheckpointSave&) = delete;
  // Waits for the thread. What was not finished is no checkpoint, and is removed.
  ~CheckpointSave();

  [[nodiscard]] int64_t step() const { return position_.step; }
  // For the next one, once this one is finished.
  [[nodiscard]] CheckpointBase as_base() const { return {position_.step, updates_}; }
  // Whether this rank has written all of its own, or failed.
  [[nodiscard]] bool written() const { return written_; }
  // Collective: waits until all ranks have, then it is there whole or not at all. Then removes those that
  // train.checkpoint does not keep. Throws DataError on every rank when any rank failed: nothing of it is left once
  // this object goes.
  void finish();

 private:
  void write();

  const RunFolder& run_;
  const config::Experiment& experiment_;
  TrainPosition position_;
  ModelState model_;
  std::optional<CheckpointBase> base_;
  int64_t updates_;  // of the tables
  std::string aside_;
  PartialFolder partial_;    // aside_, on rank 0
  std::string head_, mine_;  // messages: of rank 0 all but the files, of each rank its files
  ModelCopy copy_;
  std::exception_ptr failure_;
  std::atomic<bool> written_ = false;
  std::thread thread_;
};

// The checkpoint that `path` is, or the newest of the run that it is. Throws InvalidArgument where there is none.
[[nodiscard]] std::string find_checkpoint(const std::string& path);
// Makes room on a full disk: removes the checkpoints of the run that only train.checkpoint.keep_last keeps, but for the
// newest and what it adds to. Returns their names. Throws DataError where one cannot be removed.
std::vector<std::string> remove_all_but_newest(const RunFolder& run, config::Checkpoint keep);
// The folder of the run that a checkpoint belongs to.
[[nodiscard]] std::string run_of_checkpoint(const std::string& checkpoint);

// Its configuration with overrides. Throws InvalidArgument where they change what the checkpoint was trained with.
[[nodiscard]] config::Experiment load_resume_config(const std::string& checkpoint,
                                                    const std::vector<std::string>& overrides);

// The same, where model, tables and dense optimiser may be others.
[[nodiscard]] config::Experiment load_convert_config(const std::string& checkpoint,
                                                     const std::vector<std::string>& overrides);

// The checkpoint and those that it adds to, newest first. Throws DataError where one is missing.
[[nodiscard]] std::vector<std::string> chain_of(const std::string& checkpoint);

// Throws InvalidArgument where the folder is a checkpoint that adds to others.
void require_whole(const std::string& folder);

// Where its run stood. Throws DataError when the manifest cannot be read.
[[nodiscard]] TrainPosition position_of_checkpoint(const std::string& checkpoint);

// Collective: makes model and logs of the run what they were. Each rank compares the hashes of its share of the files
// while it loads its rows. Throws DataError naming what is damaged or of another schema: the logs are as before then,
// the model is of no use any more. InvalidArgument where the training files are others.
[[nodiscard]] TrainPosition load_checkpoint(const std::string& checkpoint, const std::string& data,
                                            const ModelState& model);

// "12 files, 345 bytes, 0123456789abcdef": a hash of their names and sizes, and with `ends` of their last bytes, where
// Parquet has its statistics.
[[nodiscard]] std::string describe_files(const std::vector<std::string>& files, bool ends = false);

}  // namespace polyscene
