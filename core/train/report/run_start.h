// The lines for people at the start of a run.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "core/checkpoint/warm_start.h"
#include "core/config/experiment.pb.h"
#include "core/session/device_report.h"

namespace polyscene::core {

struct RunStart {
  const config::Experiment& experiment;
  int64_t rows = 0, steps_per_epoch = 0;
  int ranks = 1, real_ranks = 1;                   // real: those that run the virtual ones
  std::string network = {};                        // what ranks exchange by
  DeviceReport device = {};                        // that the model runs on
  std::string checkpoint = {};                     // the checkpoint that was resumed; empty: a new run
  int64_t step = 0;                                // of the checkpoint
  std::optional<WarmStartReport> warm_start = {};  // what it took from another model
};

// Prints what is trained and on what, a note on scenarios if there is one, the checkpoint or model that the run starts
// from, and how devices exchange data.
void print(std::ostream& out, const RunStart& start);

}  // namespace polyscene::core
