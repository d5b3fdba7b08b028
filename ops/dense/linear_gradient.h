#pragma once

#include <vector>

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The rows [begin, end) of w.
struct LinearInputGradientAttributes {
  int64_t begin = 0, end = 0;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"begin", begin}, Field{"end", end}}; }
};

// The parts of linear's gradient; dz [N, M] is the gradient before its activation. Both honour ProductPrecision and
// throw InvalidArgument on wrong shapes or types.

// dx of one part = dz w[begin:end]^T [N, end - begin]; w [K, M] is read in place.
[[nodiscard]] Value linear_input_gradient(Value dz, Value w, int64_t begin, int64_t end);

// dw = [x_1 | x_2 ...]^T dz [sum of K_k, M] from the parts x_k [N, K_k]; each part writes its own rows.
[[nodiscard]] Value linear_weight_gradient(std::vector<Value> parts, Value dz);

void linear_input_gradient_cpu(const KernelContext& context);
[[gnu::weak]] void linear_input_gradient_gpu(const KernelContext& context);
void linear_weight_gradient_cpu(const KernelContext& context);
[[gnu::weak]] void linear_weight_gradient_gpu(const KernelContext& context);
extern const OpDefinition kLinearInputGradient, kLinearWeightGradient;

}  // namespace polyscene::ops
