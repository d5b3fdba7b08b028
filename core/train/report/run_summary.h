// The lines for people at the end of a run.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/config/experiment.pb.h"
#include "core/data/batch_source.h"
#include "core/run/run_folder.h"
#include "core/session/device_report.h"

namespace polyscene::core {

enum class Ending { kSteps, kEarlyStop, kSignal };

// How a run ended, and how much of it this job did.
struct RunEnding {
  Ending ending = Ending::kSteps;
  int64_t step = 0, samples = 0;             // of the whole run
  std::optional<int64_t> resumed_step = {};  // where this job resumed it
  int64_t resumed_samples = 0;
  double seconds = 0;          // that this job trained
  bool by_max_steps = false;   // train.max_steps ends the run, not train.epochs
  bool model_is_best = false;  // the run's model is that of the best evaluation
};

// "done: 120 steps, 61440 samples, 25140.3 samples/s"; if nothing was left to do, how to train further.
[[nodiscard]] std::string describe(const RunEnding& ending);

// Counters are those of all ranks.
struct RunSummary {
  const config::Experiment& experiment;
  const RunFolder& folder;
  RunEnding ending = {};
  std::optional<BestSoFar> best = {};  // evaluation, by `metric`: its name for people
  std::string metric = {};
  std::string tables = {}, saves = {};  // lines about these
  DeviceReport device = {};             // that the model ran on
  int64_t replayed = 0;                 // steps that were queued on it as a recorded graph
  SourceCounters first_epoch = {}, validation = {};
};

// Prints how the run ended, the folders of its model, best model and logs, the records left out, and the command that
// comes next.
void print(std::ostream& out, const RunSummary& summary);

// The split to name in that command: test if its files exist yet, else validation, else training.
[[nodiscard]] const char* split_to_evaluate(const config::Data& data);

}  // namespace polyscene::core
