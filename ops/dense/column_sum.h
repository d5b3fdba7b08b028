#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The sum of the rows of x [N, C] -> [C]; N = 0 gives 0. dx repeats dy for every row.
// Throws InvalidArgument unless x is a floating matrix.
[[nodiscard]] Value column_sum(Value x);

void column_sum_cpu(const KernelContext& context);
[[gnu::weak]] void column_sum_gpu(const KernelContext& context);
extern const OpDefinition kColumnSum;

}  // namespace polyscene::ops
