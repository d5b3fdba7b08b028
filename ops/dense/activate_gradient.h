#pragma once

#include "ops/dense/activate.h"

namespace polyscene::ops {

// dx = activation'(x) dy from the activation's output y and its gradient dy, element-wise; equal shapes and floating
// types. kNone returns dy itself. No gradient of its own.
[[nodiscard]] Value activate_gradient(Value y, Value dy, Activation activation);

// Samples of the element-wise shapes for each activation, with `inputs` inputs.
[[nodiscard]] std::vector<Sample> samples_per_activation(int inputs);

void activate_gradient_cpu(const KernelContext& context);
extern const OpDefinition kActivateGradient;

}  // namespace polyscene::ops
