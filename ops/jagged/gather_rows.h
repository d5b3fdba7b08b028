#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Row index[i] of rows [U, d] for every i; index int32 [N] -> [N, d], or [N, F] -> [N, F * d] with the F rows next to
// each other. Index -1 reads a zero row and gets no gradient; any other index must be in [0, U), which is not checked.
// drows = scatter_add_rows(dy, index, U). Throws InvalidArgument on wrong ranks or types.
[[nodiscard]] Value gather_rows(Value rows, Value index);

void gather_rows_cpu(const KernelContext& context);
[[gnu::weak]] void gather_rows_gpu(const KernelContext& context);
extern const OpDefinition kGatherRows;

}  // namespace polyscene::ops
