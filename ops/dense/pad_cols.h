#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x [..., C] with `before` zero columns before and `after` behind it -> [..., before + C + after]; any rank of at least
// 1, static C. The gradient is slice_cols. Throws InvalidArgument when a count is negative.
[[nodiscard]] Value pad_cols(Value x, int64_t before, int64_t after);

struct PadColsAttributes {
  int64_t before = 0, after = 0;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"before", before}, Field{"after", after}}; }
};

void pad_cols_cpu(const KernelContext& context);
extern const OpDefinition kPadCols;

}  // namespace polyscene::ops
