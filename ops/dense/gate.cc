#include "ops/dense/gate.h"

#include <algorithm>

#include "ops/dense/constant.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

// Checks the parts (the first `parts` inputs) and p, which follows them.
void check_gate(const InferContext& c, size_t parts) {
  const auto& [gamma, group] = c.attributes.as<GateAttributes>();
  require(group >= 1 && gamma > 0, "[ops.", c.op, "] wanted gamma > 0 and group >= 1, got ", c.attributes);
  const auto cols = one_floating_type(c) ? parts_cols(c, 0, parts) : std::nullopt;
  bool fits = cols && c.inputs[parts].shape == SymbolicShape{c.inputs[0].shape[0], *cols / group};
  for (size_t k = 0; k < parts && fits; ++k) fits = c.inputs[k].shape[1].constant % group == 0;
  check_inputs(
      c, fits,
      str("parts x [B, D], D a multiple of ", group, ", and p [B, sum of D / ", group, "] of one floating type"));
}

std::vector<ValueType> infer(const InferContext& c) {
  const size_t parts = c.inputs.size() - 1;
  check_gate(c, parts);
  return {c.inputs.begin(), c.inputs.end() - 1};
}

// The inputs are the parts, p, and a gradient for each part.
std::vector<ValueType> infer_backward(const InferContext& c) {
  const size_t parts = c.inputs.size() / 2;
  check_gate(c, parts);
  check_inputs(c, std::ranges::equal(c.inputs.first(parts), c.inputs.subspan(parts + 1)),
               "x, p and gradients of x's types");
  return {c.inputs.begin(), c.inputs.begin() + parts + 1};
}

std::vector<Value> gradient(const GradientContext& c) {
  std::vector<Value> inputs(c.inputs.begin(), c.inputs.end());
  for (size_t k = 0; k < c.outputs.size(); ++k)
    inputs.push_back(c.gradients[k] ? c.gradients[k] : constant(c.graph, c.outputs[k].type(), 0));
  return c.graph.add(kGateBackward, c.attributes, std::move(inputs));
}

Sample sample(std::string name, GateAttributes attributes, int64_t rows, const std::vector<int64_t>& groups) {
  Sample s{std::move(name), Attributes::of(attributes), {}, {}};
  int64_t all = 0;
  for (int64_t count : groups) {
    s.inputs.push_back(sample_tensor({rows, count * attributes.group}, 10 + s.inputs.size()));
    all += count;
  }
  s.inputs.push_back(sample_tensor({rows, all}, 2));
  return s;
}

std::vector<Sample> samples() {
  return {sample("element", {}, 5, {33}),
          sample("field", {.gamma = 1, .group = 16}, 31, {3}),
          sample("odd group", {.gamma = 2, .group = 5}, 3, {7}),
          sample("one", {}, 1, {1}),
          sample("many rows", {}, 1025, {2}),
          sample("many columns", {}, 2, {67, 130}),
          sample("no rows", {}, 0, {4}),
          sample("parts", {}, 33, {1, 16, 1}),
          sample("packs of parts", {}, 5, {8, 12}),
          sample("pairs of parts", {}, 3, {2, 4}),
          sample("wide field", {.gamma = 2, .group = 128}, 3, {2}),
          sample("field wider than a warp", {.gamma = 2, .group = 256}, 3, {1}),
          sample("fields of three packs", {.gamma = 2, .group = 12}, 5, {2, 1}),
          sample("fields of parts", {.gamma = 1, .group = 3}, 31, {2, 0, 5}),
          sample("many rows of parts", {}, 1025, {1, 2}),
          sample("no rows of parts", {}, 0, {4, 1})};
}

std::vector<Sample> samples_backward() {
  std::vector<Sample> all = samples();
  for (Sample& s : all)
    for (size_t k = 0, parts = s.inputs.size() - 1; k < parts; ++k)
      s.inputs.push_back(sample_tensor(s.inputs[k].shape(), 30 + k));
  return all;
}

}  // namespace

std::vector<Value> gate(std::vector<Value> parts, Value p, GateAttributes attributes) {
  parts.push_back(p);
  return p.graph->add(kGate, Attributes::of(attributes), std::move(parts));
}

Value gate(Value x, Value p, GateAttributes attributes) { return gate(std::vector{x}, p, attributes)[0]; }

const OpDefinition kGate = {
    .name = "gate", .infer = infer, .gradient = gradient, .cpu = gate_cpu, .gpu = gate_gpu, .samples = samples};

const OpDefinition kGateBackward = {
    .name = "gate_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself, and second derivatives are not supported",
    .cpu = gate_backward_cpu,
    .gpu = gate_backward_gpu,
    .samples = samples_backward,
};

}  // namespace polyscene::ops
