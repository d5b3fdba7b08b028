// All dense parameters of a model in one flat buffer, and their gradients in another of the same layout: the optimiser
// is one pass, the gradient exchange a few large messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ops/graph/graph.h"

namespace polyscene {

class ParameterStore {
 public:
  // Initial values are a function of (seed, parameter name, element). The graph's floating type is float32.
  ParameterStore(const Graph& graph, uint64_t seed);

  struct Entry {
    std::string name;
    Value value;      // in the graph
    TensorView data;  // the parameter's part of values()
    TensorView gradient;
    int64_t offset = 0;  // in values(), a multiple of 16: each parameter starts on a cache line
  };
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::span<float> values() const { return values_.elements<float>(); }
  [[nodiscard]] std::span<float> gradients() const { return gradients_.elements<float>(); }
  // Number of trained values, padding left out.
  [[nodiscard]] int64_t size() const { return size_; }

 private:
  std::vector<Entry> entries_;
  Tensor values_, gradients_;
  int64_t size_ = 0;
};

}  // namespace polyscene
