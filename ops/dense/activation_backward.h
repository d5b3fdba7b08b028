#pragma once

#include "ops/dense/activation.h"
#include "ops/graph/graph.h"

namespace polyscene::ops {

struct ActivationBackwardAttributes {
  Activation activation = Activation::kRelu;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"activation", activation}}; }
};

struct ActivationGradients {
  Value dz;     // [N, M], gradient before the activation
  Value dbias;  // [M], its column sums
};

// From y = activation(z) [N, M] and dy [N, M]: dz = dy * activation'(z), written in terms of y, and the column sums of
// dz, in one pass. Throws InvalidArgument unless y and dy are matrices of one shape and floating type.
[[nodiscard]] ActivationGradients activation_backward(Value y, Value dy, Activation activation);

void activation_backward_cpu(const KernelContext& context);
[[gnu::weak]] void activation_backward_gpu(const KernelContext& context);
extern const OpDefinition kActivationBackward;

}  // namespace polyscene::ops
