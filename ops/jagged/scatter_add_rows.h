#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The sum of the sources of each row: g [N, d] with index int32 [N], or g [N, F * d] with index [N, F] -> [rows, d].
// Row u is the sum of the d-wide pieces of g whose index is u, in their order in g; index -1 is dropped, and any other
// index must be in [0, rows), which is not checked. dg = gather_rows(dy, index). Throws InvalidArgument on wrong ranks
// or types, or if F does not divide the columns of g.
[[nodiscard]] Value scatter_add_rows(Value g, Value index, Dim rows);

struct ScatterAddRowsAttributes {
  Dim rows;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"rows", rows}}; }
};

void scatter_add_rows_cpu(const KernelContext& context);
[[gnu::weak]] void scatter_add_rows_gpu(const KernelContext& context);
extern const OpDefinition kScatterAddRows;

}  // namespace polyscene::ops
