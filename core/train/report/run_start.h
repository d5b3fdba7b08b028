// What a run says to people when it starts.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "core/checkpoint/warm_start.h"
#include "core/config/experiment.pb.h"
#include "dist/world.h"

namespace polyscene {

struct RunStart {
  const config::Experiment& experiment;
  int64_t rows = 0, steps_per_epoch = 0;
  int ranks = 1, real_ranks = 1;                   // real: those that run the virtual ones
  std::string network = {};                        // what ranks exchange by
  std::string device = {};                         // empty: the CPU
  const DeviceRanks* device_ranks = nullptr;       // where there is a device
  std::string checkpoint = {};                     // that it was resumed from; empty: a new run
  int64_t step = 0;                                // of the checkpoint
  std::optional<WarmStartReport> warm_start = {};  // what it took from another model
};

// What is trained and where, a note on scenarios where one fits, where it was resumed or started from, and what devices
// exchange by.
void print(std::ostream& out, const RunStart& start);

}  // namespace polyscene
