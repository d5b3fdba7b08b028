#pragma once

#include <vector>

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Rows [begin, end) of w.
struct LinearInputGradientAttributes {
  int64_t begin = 0, end = 0;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"begin", begin}, Field{"end", end}}; }
};

// What linear's gradient is made of, with dz [N, M] the gradient before its activation. Both honour ProductPrecision
// and throw InvalidArgument when shapes or types do not fit.

// The part's dx = dz w[begin:end]^T [N, end - begin], w [K, M] read in place.
[[nodiscard]] Value linear_input_gradient(Value dz, Value w, int64_t begin, int64_t end);

// dw = [x_1 | x_2 ...]^T dz [sum of K_k, M] from the parts x_k [N, K_k], each written to its own rows.
[[nodiscard]] Value linear_weight_gradient(std::vector<Value> parts, Value dz);

void linear_input_gradient_cpu(const KernelContext& context);
[[gnu::weak]] void linear_input_gradient_gpu(const KernelContext& context);
void linear_weight_gradient_cpu(const KernelContext& context);
[[gnu::weak]] void linear_weight_gradient_gpu(const KernelContext& context);
extern const OpDefinition kLinearInputGradient, kLinearWeightGradient;

}  // namespace polyscene::ops
