// One operator at a time.
#pragma once

#include <string>
#include <vector>

#include "ops/base/philox.h"
#include "tests/support/evaluate.h"

namespace polyscene::testing {

inline const Attributes kNone = Attributes::of(NoAttributes{});

// The outputs of one operator.
[[nodiscard]] inline std::vector<Tensor> call(const OpDefinition& op, const Attributes& attributes,
                                              const std::vector<Tensor>& inputs, const ExecutorOptions& options = {}) {
  Graph graph;
  Feed feed;
  std::vector<Value> values;
  for (const Tensor& t : inputs) {
    values.push_back(graph.input(str("input ", values.size()), t.dtype(), SymbolicShape(t.shape())));
    feed.emplace_back(values.back(), t);
  }
  return evaluate(graph, graph.add(op, attributes, values), feed, options);
}

// -1, 0 and 1: products and sums of them are exact in bfloat16 and float32.
[[nodiscard]] inline Tensor small_integers(Shape shape, uint64_t seed) {
  Tensor t(DType::kFloat32, shape);
  PhiloxStream random(seed);
  for (float& x : t.elements<float>()) x = static_cast<float>(random.next_below(3)) - 1;
  return t;
}

}  // namespace polyscene::testing
