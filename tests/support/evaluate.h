// Runs a graph once, for tests that need a few values.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "ops/graph/executor.h"

namespace polyscene::testing {

using Feed = std::vector<std::pair<Value, Tensor>>;

[[nodiscard]] inline Tensor copy_of(const TensorView& view) {
  Tensor copy(view.dtype, view.shape);
  if (view.bytes() > 0) std::memcpy(copy.view().data, view.data, static_cast<size_t>(view.bytes()));
  return copy;
}

// Runs the graph with `feed` bound to its inputs. Returns copies of the outputs.
[[nodiscard]] inline std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Value>& outputs,
                                                  const Feed& feed, const ExecutorOptions& options = {}) {
  Executor executor(graph, outputs, options);
  for (const auto& [value, tensor] : feed) executor.bind(value, tensor.view());
  executor.run();
  std::vector<Tensor> results;
  for (const Value& v : outputs) results.push_back(copy_of(executor.result(v)));
  return results;
}

}  // namespace polyscene::testing
