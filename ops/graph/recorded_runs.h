// What an executor's runs queue on a device, recorded where it comes again: launched as a whole from then on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "ops/device/device.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class RecordedRuns {
 public:
  // What tells one run from another: the places and shapes of all that it is bound to.
  using Bindings = std::vector<int64_t>;
  // More are not kept: the one that was used least recently goes.
  static constexpr int64_t kMostRecordings = 128;
  // Runs without a recording are forgotten once more runs than this are known.
  static constexpr int64_t kMostRuns = 4096;

  // Launches the recording of a run with these bindings and returns its views; nullptr where there is none. One from
  // before memory moved is of no use and is given up: `allocations` counts how often it moved.
  [[nodiscard]] const std::vector<TensorView>* replay(const Bindings& bindings, int64_t allocations);
  // Whether such a run came before, with memory where it is now: it can be recorded.
  [[nodiscard]] bool known(const Bindings& bindings, int64_t allocations) const;
  // Such a run came, not recorded.
  void note(const Bindings& bindings, int64_t allocations);
  // Keeps the recording of a run that is known, and launches it.
  void record(const Bindings& bindings, std::unique_ptr<DeviceGraph> graph, std::vector<TensorView> views);

  // Runs that were recorded, and runs that were launched from an earlier recording.
  [[nodiscard]] int64_t recorded() const { return recorded_; }
  [[nodiscard]] int64_t replayed() const { return replayed_; }

 private:
  struct Run {
    int64_t allocations = 0;             // when it came last without a recording
    std::unique_ptr<DeviceGraph> graph;  // null where it came once
    std::vector<TensorView> views;       // of the recording
    int64_t last_use = 0;
  };
  void forget_old();

  std::map<Bindings, Run> runs_;
  int64_t recorded_ = 0, replayed_ = 0, uses_ = 0;
};

}  // namespace polyscene
