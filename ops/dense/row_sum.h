#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The sum of each row of x [N, C] -> [N, 1]; static C, C = 0 gives 0. dx repeats dy along the row.
// Throws InvalidArgument unless x is a floating matrix.
[[nodiscard]] Value row_sum(Value x);

void row_sum_cpu(const KernelContext& context);
[[gnu::weak]] void row_sum_gpu(const KernelContext& context);
extern const OpDefinition kRowSum;

}  // namespace polyscene::ops
