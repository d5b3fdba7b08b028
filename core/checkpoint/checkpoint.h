// Checkpoints, from which training resumes after a signal, a fault or a planned end. The folder
// checkpoints/step-NNNNNNNNNN/ of a run holds the parts of a model with optimiser state (model_parts.h) and
// manifest.pbtxt, which is written last. README.md has the rules.
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

namespace polyscene::core {

// The best evaluation of a run so far.
struct BestSoFar {
  std::string metric = {};  // that was compared, spelled as in train.early_stop.metric; empty in older checkpoints
  double value = 0;
  int64_t step = 0;
  int misses = 0;          // later evaluations without improvement, with train.early_stop
  std::string model = {};  // name of that step's model below models/ of the run; empty in older checkpoints
  std::string valid = {};  // describe_files() of the validation files; empty in older checkpoints

  friend bool operator==(const BestSoFar&, const BestSoFar&) = default;
};

// Position of a run between two steps.
struct TrainPosition {
  int64_t step = 0, trained_steps = 0;  // trained_steps: steps that had rows
  int64_t epoch = 0, batches = 0;       // batches: completed in this epoch
  int64_t rows_trained = 0;
  std::optional<BestSoFar> best = {};

  friend bool operator==(const TrainPosition&, const TrainPosition&) = default;
};

// A finished checkpoint of the same run, to which an incremental checkpoint adds rows: its step, and the number of
// table updates until then.
struct CheckpointBase {
  int64_t step = 0, table_updates = 0;
};

// A checkpoint that is written while training continues. It holds the state of the step at which writing began.
class CheckpointSave {
 public:
  // Collective; no work may be queued on a device. Copies the state of this rank, and starts a thread that writes it:
  // each rank writes its rows, rank 0 everything else. `data`: describe_files() of the training files. `run`,
  // `experiment` and what `model` refers to must outlive this object. With `base`, a checkpoint of the same run, the
  // new one is incremental: it holds the rows that were trained since the base. Throws DataError on every rank when any
  // rank fails.
  CheckpointSave(const RunFolder& run, const config::Experiment& experiment, const std::string& data,
                 const TrainPosition& position, const ModelState& model, std::optional<CheckpointBase> base = {});
  CheckpointSave(const CheckpointSave&) = delete;
  CheckpointSave& operator=(const CheckpointSave&) = delete;
  // Waits for the thread. Removes the files of a checkpoint that was not finished.
  ~CheckpointSave();

  [[nodiscard]] int64_t step() const { return position_.step; }
  // This checkpoint as the base of the next one; valid after finish().
  [[nodiscard]] CheckpointBase as_base() const { return {position_.step, updates_}; }
  // Whether this rank has written all its files, or failed.
  [[nodiscard]] bool written() const { return written_; }
  // Collective. Waits until all ranks have written, moves the checkpoint to its place in one step, and removes the
  // checkpoints that train.checkpoint does not keep. Throws DataError on every rank when any rank failed; the
  // destructor then removes what was written.
  void finish();

 private:
  void write();

  const RunFolder& run_;
  const config::Experiment& experiment_;
  TrainPosition position_;
  ModelState model_;
  std::optional<CheckpointBase> base_;
  int64_t updates_;  // updates of the tables so far
  std::string partial_path_;
  PartialFolder partial_;        // removes partial_path_ unless released; rank 0 only
  std::string common_manifest_;  // a serialised Manifest without files; on rank 0 only
  std::string rank_manifest_;    // a serialised Manifest with the files of this rank only
  ModelCopy copy_;
  std::exception_ptr failure_;
  std::atomic<bool> written_ = false;
  std::thread thread_;
};

// Returns `path` if it is a checkpoint, or the newest checkpoint if it is a run. Throws InvalidArgument when there is
// none.
[[nodiscard]] std::string find_checkpoint(const std::string& path);
// Makes room on a full disk: removes the run's checkpoints that only train.checkpoint.keep_last keeps, except the
// newest and its bases. Returns the names of the removed ones. Throws DataError when one cannot be removed.
std::vector<std::string> remove_all_but_newest(const RunFolder& run, config::Checkpoint keep);
// The folder of the run that a checkpoint belongs to.
[[nodiscard]] std::string run_of_checkpoint(const std::string& checkpoint);

// The checkpoint's configuration with overrides. Throws InvalidArgument when an override changes a field that must stay
// the same on resume.
[[nodiscard]] config::Experiment load_resume_config(const std::string& checkpoint,
                                                    const std::vector<std::string>& overrides);

// Like load_resume_config(), but overrides may also change the model, the tables and the dense optimiser.
[[nodiscard]] config::Experiment load_convert_config(const std::string& checkpoint,
                                                     const std::vector<std::string>& overrides);

// The checkpoint, its base, the base of that and so on. Throws DataError when one is missing.
[[nodiscard]] std::vector<std::string> chain_of(const std::string& checkpoint);

// Throws InvalidArgument when the folder is an incremental checkpoint.
void require_full_checkpoint(const std::string& folder);

// Position of the run at the checkpoint. Throws DataError when the manifest cannot be read.
[[nodiscard]] TrainPosition position_of_checkpoint(const std::string& checkpoint);

// Collective. Restores the model and the logs of the run. Each rank compares its share of the files with their hashes
// while it loads its rows. `data`: describe_files() of the training files. Throws DataError naming what is damaged or
// of another schema; the logs are then unchanged, and the model must not be used. Throws InvalidArgument when the
// checkpoint was trained on other files.
[[nodiscard]] TrainPosition load_checkpoint(const std::string& checkpoint, const std::string& data,
                                            const ModelState& model);

// A text such as "12 files, 345 bytes, 0123456789abcdef". The hash covers the names and sizes of the files and, with
// `ends`, their last 64 KiB, which hold Parquet's statistics.
[[nodiscard]] std::string describe_files(const std::vector<std::string>& files, bool ends = false);

}  // namespace polyscene::core
