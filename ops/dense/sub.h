#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// a - b, element-wise; equal shapes and floating types. da = dy, db = -dy. Throws InvalidArgument naming both shapes.
[[nodiscard]] Value sub(Value a, Value b);

void sub_cpu(const KernelContext& context);
[[gnu::weak]] void sub_gpu(const KernelContext& context);
extern const OpDefinition kSub;

}  // namespace polyscene::ops
