#include "ops/dense/gate.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const auto& [gamma, group] = c.attributes.as<GateAttributes>();
  require(group >= 1 && gamma > 0, "[ops.", c.op, "] wanted gamma > 0 and group >= 1, got ", c.attributes);
  const SymbolicShape &x = c.inputs[0].shape, &p = c.inputs[1].shape;
  const bool fits = one_floating_type(c) && x.rank() == 2 && p.rank() == 2 && x[0] == p[0] && p[1] * group == x[1];
  check_inputs(c, fits, str("x [B, D] and p [B, D / ", group, "] of one floating type"));
  return {c.inputs[0]};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const ValueType x = infer(c)[0];
  check_inputs(c, c.inputs[2] == x, "x, p and a gradient of x's type");
  return {x, c.inputs[1]};
}

std::vector<Value> gradient(const GradientContext& c) {
  return c.graph.add(kGateBackward, c.attributes, {c.inputs[0], c.inputs[1], c.gradients[0]});
}

Sample sample(std::string name, GateAttributes attributes, int64_t rows, int64_t groups) {
  return {std::move(name),
          Attributes::of(attributes),
          {sample_tensor({rows, groups * attributes.group}, 1), sample_tensor({rows, groups}, 2)},
          {}};
}

std::vector<Sample> samples() {
  return {sample("element", {}, 5, 33),
          sample("field", {.gamma = 1, .group = 16}, 31, 3),
          sample("odd group", {.gamma = 2, .group = 5}, 3, 7),
          sample("one", {}, 1, 1),
          sample("many rows", {}, 1025, 2),
          sample("no rows", {}, 0, 4)};
}

std::vector<Sample> samples_backward() {
  std::vector<Sample> all = samples();
  for (Sample& s : all) s.inputs.push_back(sample_tensor(s.inputs[0].shape(), 3));
  return all;
}

}  // namespace

Value gate(Value x, Value p, GateAttributes attributes) {
  return x.graph->add(kGate, Attributes::of(attributes), {x, p})[0];
}

const OpDefinition kGate = {.name = "gate", .infer = infer, .gradient = gradient, .cpu = gate_cpu, .samples = samples};

const OpDefinition kGateBackward = {
    .name = "gate_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself: second derivatives are not offered",
    .cpu = gate_backward_cpu,
    .samples = samples_backward,
};

}  // namespace polyscene::ops
