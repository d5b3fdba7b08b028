#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

struct MatmulAttributes {
  bool transpose_a = false, transpose_b = false;
  [[nodiscard]] auto fields() const {
    return std::tuple{Field{"transpose_a", transpose_a}, Field{"transpose_b", transpose_b}};
  }
};

// op(a) op(b) [M, N] of 2-D floating values, where op transposes if asked: op(a) is [M, K], op(b) [K, N]. K = 0 gives
// zeros. Honours ProductPrecision. Throws InvalidArgument if ranks, types or the two K differ.
[[nodiscard]] Value matmul(Value a, Value b, MatmulAttributes attributes = {});

void matmul_cpu(const KernelContext& context);
[[gnu::weak]] void matmul_gpu(const KernelContext& context);
extern const OpDefinition kMatmul;

}  // namespace polyscene::ops
