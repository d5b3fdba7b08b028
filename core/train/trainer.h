// The step loop: epochs of mixed-scenario batches, evaluations, early stop, logs, and the run folder.
#pragma once

#include <atomic>
#include <iosfwd>
#include <string>

#include "core/config/experiment.pb.h"
#include "dist/rank.h"

namespace polyscene::core {

struct TrainJob {
  config::Experiment experiment;
  std::string output;                       // the run folder
  std::string resume = {};                  // a checkpoint of that run to resume; empty: a new run
  bool overwrite = false;                   // replace an earlier run there
  const std::atomic<bool>* stop = nullptr;  // true: finish the step, save, end; may differ between ranks
  int real_ranks = 1;                       // those that run the virtual ones, to be told to the user
  bool resume_newest = false;  // `resume` was the newest: another is taken where a job that still ended has saved one
};

// Trains on this rank; collective. Rank 0 writes progress and a summary to `out` and the logs to the run folder, every
// rank its part of the model. Throws Error of the kind that fits.
void train(const TrainJob& job, const dist::Rank& rank, std::ostream& out);

}  // namespace polyscene::core
