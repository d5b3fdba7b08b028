#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Row i of x [N, C] times s[i], s [N, 1]. dx = scale_rows(dy, s), ds = row_sum(dy * x).
// Throws InvalidArgument on wrong shapes or types.
[[nodiscard]] Value scale_rows(Value x, Value s);

void scale_rows_cpu(const KernelContext& context);
[[gnu::weak]] void scale_rows_gpu(const KernelContext& context);
extern const OpDefinition kScaleRows;

}  // namespace polyscene::ops
