#pragma once

#include "ops/dense/activation.h"
#include "ops/graph/graph.h"

namespace polyscene::ops {

struct LinearAttributes {
  Activation activation = Activation::kNone;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"activation", activation}}; }
};

// activation(x w + bias) [N, M] from x [N, K], w [K, M] and bias [M] (none: a default Value), in one pass.
// Honours bf16_matmul. Throws InvalidArgument when shapes or types do not fit.
[[nodiscard]] Value linear(Value x, Value w, Value bias = {}, Activation activation = Activation::kNone);

void linear_cpu(const KernelContext& context);
extern const OpDefinition kLinear;

}  // namespace polyscene::ops
