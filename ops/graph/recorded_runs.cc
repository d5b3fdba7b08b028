#include "ops/graph/recorded_runs.h"

#include <algorithm>
#include <functional>

namespace polyscene {

const std::vector<TensorView>* RecordedRuns::replay(const Bindings& bindings, int64_t allocations) {
  const auto found = runs_.find(bindings);
  if (found == runs_.end()) return nullptr;
  Run& run = found->second;
  if (run.allocations != allocations) run.graph.reset();
  if (run.graph == nullptr) return nullptr;
  run.last_use = ++uses_;
  ++replayed_;
  run.graph->launch();
  return &run.views;
}

bool RecordedRuns::known(const Bindings& bindings, int64_t allocations) const {
  const auto found = runs_.find(bindings);
  return found != runs_.end() && found->second.allocations == allocations;
}

void RecordedRuns::note(const Bindings& bindings, int64_t allocations) { runs_[bindings] = {allocations, {}, {}, 0}; }

void RecordedRuns::record(const Bindings& bindings, std::unique_ptr<DeviceGraph> graph, std::vector<TensorView> views) {
  Run& run = runs_.at(bindings);
  run.graph = std::move(graph);
  run.views = std::move(views);
  run.last_use = ++uses_;
  ++recorded_;
  forget_old();
  run.graph->launch();
}

// Shapes that never come again must not pile up: the device keeps memory for each recording.
void RecordedRuns::forget_old() {
  const auto recorded = [](const auto& entry) { return entry.second.graph != nullptr; };
  if (std::ssize(runs_) > kMostRuns) std::erase_if(runs_, std::not_fn(recorded));
  if (std::ranges::count_if(runs_, recorded) <= kMostRecordings) return;
  auto oldest = runs_.end();
  for (auto run = runs_.begin(); run != runs_.end(); ++run)
    if (recorded(*run) && (oldest == runs_.end() || run->second.last_use < oldest->second.last_use)) oldest = run;
  runs_.erase(oldest);
}

}  // namespace polyscene
