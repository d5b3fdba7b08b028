#include "ops/dense/activate_gradient.h"

#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value activate_gradient(Value y, Value dy, Activation activation) {
  if (activation == Activation::kNone) return dy;
  return y.graph->add(kActivateGradient, Attributes::of(ActivateAttributes{activation}), {y, dy})[0];
}

std::vector<Sample> samples_per_activation(int inputs) {
  std::vector<Sample> samples;
  for (const Activation activation : {Activation::kRelu, Activation::kSigmoid, Activation::kTanh})
    for (Sample& sample : samples_floats(inputs, Attributes::of(ActivateAttributes{activation}))) {
      sample.name = str(activation, ' ', sample.name);
      samples.push_back(std::move(sample));
    }
  return samples;
}

const OpDefinition kActivateGradient = {
    .name = "activate_gradient",
    .infer = infer_same_shape,
    .gradient = "second derivatives of activations are not offered",
    .cpu = activate_gradient_cpu,
    .samples = +[] { return samples_per_activation(2); },
};

}  // namespace polyscene::ops
