#include "ops/dense/activate.h"

#include "ops/dense/activate_gradient.h"
#include "ops/dense/elementwise.h"

namespace polyscene::ops {

Value activate(Value x, Activation activation) {
  if (activation == Activation::kNone) return x;
  return x.graph->add(kActivate, Attributes::of(ActivateAttributes{activation}), {x})[0];
}

const OpDefinition kActivate = {
    .name = "activate",
    .infer = infer_same_shape,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {activate_gradient(c.outputs[0], c.gradients[0], c.attributes.as<ActivateAttributes>().activation)};
    },
    .cpu = activate_cpu,
    .samples = +[] { return samples_per_activation(1); },
};

}  // namespace polyscene::ops
