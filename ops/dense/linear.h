#pragma once

#include <vector>

#include "ops/dense/activation.h"
#include "ops/graph/graph.h"

namespace polyscene::ops {

struct LinearAttributes {
  Activation activation = Activation::kNone;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"activation", activation}}; }
};

// activation([x_1 | x_2 ...] w + bias) [N, M] from parts x_k [N, K_k], w [sum of K_k, M] and bias [M] (none: a default
// Value), in one pass and without laying the parts side by side: each meets its own rows of w. A part that wants no
// gradient costs no product backward. Honours ProductPrecision. Throws InvalidArgument when shapes or types do not fit.
[[nodiscard]] Value linear(std::vector<Value> parts, Value w, Value bias = {},
                           Activation activation = Activation::kNone);
[[nodiscard]] Value linear(Value x, Value w, Value bias = {}, Activation activation = Activation::kNone);

void linear_cpu(const KernelContext& context);
[[gnu::weak]] void linear_gpu(const KernelContext& context);
extern const OpDefinition kLinear;

}  // namespace polyscene::ops
