// The battery's material: every sample of every registered operator as a small graph of forward and gradient nodes.
// The tests over it know no operator by name; tolerances.h holds the few exceptions.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "ops/graph/executor.h"
#include "ops/graph/op.h"
#include "tests/support/evaluate.h"

namespace polyscene::testing {

struct Case {
  const OpDefinition* op;
  Sample sample;
  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.op->name << " \"" << c.sample.name << "\" " << c.sample.attributes;
  }
};
[[nodiscard]] std::vector<Case> all_cases();
// Letters, digits and underscores, unique: "gather_rows__no_fields".
[[nodiscard]] std::string case_name(const ::testing::TestParamInfo<Case>& info);

// A sample's node in a graph of its own, the samples' floating inputs in the given type, and, where the op has a
// gradient, its rule applied to random cotangents. Integers stay as they are.
struct SampleGraph {
  SampleGraph(const Case& test_case, DType floating);
  SampleGraph(const SampleGraph&) = delete;
  SampleGraph& operator=(const SampleGraph&) = delete;

  // Outputs, then the gradients that exist.
  [[nodiscard]] std::vector<Value> results() const;
  [[nodiscard]] Feed feed() const;
  [[nodiscard]] std::vector<Tensor> run(const ExecutorOptions& options = {}) const;

  Graph graph;
  std::vector<Value> inputs, outputs;
  std::vector<bool> needed;                        // per input: wants a gradient
  std::vector<Value> cotangents;                   // per output; no value for integers
  std::vector<Value> gradients;                    // per input; empty when the op has no rule
  std::vector<Tensor> input_data, cotangent_data;  // the latter per output; float64 or float32 like the graph
};

class Battery : public ::testing::TestWithParam<Case> {};

}  // namespace polyscene::testing
