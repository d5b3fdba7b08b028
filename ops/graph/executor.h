// Runs a graph on the CPU or on a device: only the nodes that the wanted outputs need, in graph order, every
// intermediate value in one planned arena that is kept between runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/graph/graph.h"
#include "ops/graph/recorded_runs.h"

namespace polyscene {

struct ExecutorOptions {
  // The device to run on; nullptr: the CPU. On a device, bound views and results are device memory aligned to 16 bytes,
  // the graph is float32, and the device must outlive the executor. run() then queues work and returns; with
  // check_finite or profile it waits for the device.
  Device* device = nullptr;
  ProductPrecision precision = ProductPrecision::kFloat32;
  // After each node, throw an Error naming the node, its inputs and `where` when an output is not finite.
  bool check_finite = false;
  // Share the arena among values (off: each value keeps its own place, for debugging and for the planner's test).
  bool plan_memory = true;
  // Accumulate seconds per node (profile()).
  bool profile = false;
  std::string where = "";  // e.g. "rank 3", for messages
};

// The time of all nodes of one operator since reset_profile().
struct OpTime {
  std::string op;
  int64_t calls = 0;
  double seconds = 0;  // of all calls together
};

class Executor {
 public:
  // The graph must outlive the executor and not change any more. Throws DeviceError when an operator has no kernel for
  // the device, InvalidArgument when a value is float64 there.
  Executor(const Graph& graph, std::vector<Value> outputs, ExecutorOptions options = {});
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Gives an input or parameter its memory, or a wanted output the place to be written to. The view must stay valid
  // during run(); bindings stay until replaced. Throws InvalidArgument for another type, for device
  // memory that is not aligned, and for a value that shares the memory of its input; run() checks shapes.
  void bind(Value value, TensorView view);

  // What an input or parameter is bound to.
  [[nodiscard]] TensorView bound(Value value) const { return views_[value.id]; }

  // Registers a callback that every run calls after the last node that writes or reads one of these wanted outputs. On
  // a device the work of that node is queued then, but perhaps not done. A run that is launched from a recording calls
  // all callbacks after the launch, in the same order. Throws InvalidArgument for a value that is no wanted output.
  void after(std::span<const Value> outputs, std::function<void()> callback);

  // Binds the symbols from the shapes of the bound inputs, plans memory if they changed, runs every node.
  // Throws InvalidArgument when an input is unbound or shapes contradict each other. `may_record`: a run on a device
  // may be recorded, and later runs with the same memory and shapes launched as a whole (RecordedRuns); ignored with
  // check_finite or profile, which look at every node.
  void run(bool may_record = false);

  // A wanted output of the last run; valid until the next run.
  [[nodiscard]] TensorView result(Value output) const;

  // Memory of all intermediate values together.
  [[nodiscard]] int64_t arena_bytes() const { return arena_bytes_; }
  // Runs that were recorded, and runs that were launched from a recording.
  [[nodiscard]] int64_t recorded() const { return runs_.recorded(); }
  [[nodiscard]] int64_t replayed() const { return runs_.replayed(); }
  // Times by operator, longest first; all zero without ExecutorOptions::profile.
  [[nodiscard]] std::vector<OpTime> profile() const;
  void reset_profile();

 private:
  struct Step {
    const Node* node;
    std::vector<TensorView> inputs, outputs;  // refreshed when the plan changes
    double seconds = 0;
    int64_t calls = 0;
  };
  // Sets symbols that are still unknown from a shape; false if the shape contradicts those that are known.
  bool fit_symbols(const SymbolicShape& want, const Shape& got);
  void bind_symbols();
  [[nodiscard]] Shape resolve_shape(Value v) const;
  void resolve_views();
  // With the callbacks that after() registered, or without.
  void run_nodes(bool with_callbacks);
  void run_all_callbacks() const;
  void run_recorded();
  [[nodiscard]] RecordedRuns::Bindings bindings() const;
  [[nodiscard]] int64_t allocations() const { return arena_allocations_ + scratch_.allocations(); }
  void run_step(Step& step);
  void run_kernel(const Step& step);
  void check_step(const Step& step) const;
  // False when a number is not finite.
  [[nodiscard]] bool all_finite(const TensorView& v) const;
  [[nodiscard]] TensorView& view(Value v) { return views_[v.id]; }

  const Graph& graph_;
  std::vector<Value> outputs_;
  ExecutorOptions options_;
  std::vector<Step> steps_;
  std::multimap<size_t, std::function<void()>> callbacks_;  // by the step that they are called after
  std::vector<int32_t> used_inputs_;                        // value ids without producer that some step reads
  std::vector<int32_t> alias_of_;      // per value: the value whose memory it shares; itself if it shares none
  std::vector<int32_t> first_, last_;  // per value (its alias root): steps between which its memory is needed
  std::vector<TensorView> views_;      // per value
  std::vector<bool> bound_;            // per value: memory given from outside
  std::vector<int64_t> symbols_;       // the number of each symbol; -1: unknown
  bool stale_ = true;                  // views_ must be resolved again
  std::shared_ptr<void> arena_;
  int64_t arena_bytes_ = 0, arena_allocations_ = 0;
  Scratch scratch_;
  RecordedRuns runs_;
};

}  // namespace polyscene
