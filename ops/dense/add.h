#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// a + b, element-wise; equal shapes and floating types. Throws InvalidArgument naming both shapes.
[[nodiscard]] Value add(Value a, Value b);

void add_cpu(const KernelContext& context);
[[gnu::weak]] void add_gpu(const KernelContext& context);
extern const OpDefinition kAdd;

}  // namespace polyscene::ops
