#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x [N, C] + b [C] for every row. dx = dy, db = column_sum(dy). Throws InvalidArgument on wrong shapes or types.
[[nodiscard]] Value add_bias(Value x, Value b);

void add_bias_cpu(const KernelContext& context);
[[gnu::weak]] void add_bias_gpu(const KernelContext& context);
extern const OpDefinition kAddBias;

}  // namespace polyscene::ops
