#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// a * b, element-wise; equal shapes and floating types. da = dy b, db = dy a. Throws InvalidArgument naming both
// shapes.
[[nodiscard]] Value mul(Value a, Value b);

void mul_cpu(const KernelContext& context);
[[gnu::weak]] void mul_gpu(const KernelContext& context);
extern const OpDefinition kMul;

}  // namespace polyscene::ops
