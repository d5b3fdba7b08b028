#pragma once

#include <vector>

#include "ops/dense/activation.h"
#include "ops/graph/graph.h"

namespace polyscene::ops {

struct LinearAttributes {
  Activation activation = Activation::kNone;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"activation", activation}}; }
};

// activation([x_1 | x_2 ...] w + bias) [N, M] from parts x_k [N, K_k], w [sum of K_k, M] and bias [M] (a default Value
// for none), in one pass and without a concatenation: each part is multiplied with its own rows of w. A part that needs
// no gradient costs no product in the backward pass. Honours ProductPrecision. Throws InvalidArgument on wrong shapes
// or types.
[[nodiscard]] Value linear(std::vector<Value> parts, Value w, Value bias = {},
                           Activation activation = Activation::kNone);
[[nodiscard]] Value linear(Value x, Value w, Value bias = {}, Activation activation = Activation::kNone);

void linear_cpu(const KernelContext& context);
[[gnu::weak]] void linear_gpu(const KernelContext& context);
extern const OpDefinition kLinear;

}  // namespace polyscene::ops
