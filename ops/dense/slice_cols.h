#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Columns [begin, end) of x [..., C] -> [..., end - begin]; any rank of at least 1, static C. The gradient is dy with
// zero columns around it. Throws InvalidArgument unless 0 <= begin <= end <= C.
[[nodiscard]] Value slice_cols(Value x, int64_t begin, int64_t end);

struct SliceColsAttributes {
  int64_t begin = 0, end = 0;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"begin", begin}, Field{"end", end}}; }
};

void slice_cols_cpu(const KernelContext& context);
[[gnu::weak]] void slice_cols_gpu(const KernelContext& context);
extern const OpDefinition kSliceCols;

}  // namespace polyscene::ops
