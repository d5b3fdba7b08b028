// Recordings of the work that an executor queues on a device. A run that comes a second time is recorded and from then
// on launched as a whole.
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
  // The addresses and shapes of all bindings, which identify a run.
  using Bindings = std::vector<int64_t>;
  // The most recordings that are kept; the least recently used one is dropped.
  static constexpr int64_t kMostRecordings = 128;
  // Runs without a recording are forgotten once more runs than this are known.
  static constexpr int64_t kMostRuns = 4096;

  // Launches the recording of a run with these bindings and returns its views, or nullptr if there is none.
  // `allocations` counts how often memory has moved; a recording from before the last move is dropped.
  [[nodiscard]] const std::vector<TensorView>* replay(const Bindings& bindings, int64_t allocations);
  // Whether a run with these bindings came before and memory has not moved since, so that it can be recorded.
  [[nodiscard]] bool known(const Bindings& bindings, int64_t allocations) const;
  // Notes a run with these bindings that was not recorded.
  void note(const Bindings& bindings, int64_t allocations);
  // Keeps the recording of a known run and launches it.
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
