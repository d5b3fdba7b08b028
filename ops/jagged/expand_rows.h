#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Repeats each row of x over its segment: y[t, :] = x[b, :] for t in [offsets[b], offsets[b + 1]), x [B, C] and offsets
// int32 [B + 1] -> [rows, C]; with `mean`, divided by max(1, length). The offsets must ascend from 0 to `rows`, which
// is not checked. dx = segment_sum(dy, offsets, mean). Throws InvalidArgument on wrong shapes or types.
[[nodiscard]] Value expand_rows(Value x, Value offsets, Dim rows, bool mean = false);

struct ExpandRowsAttributes {
  Dim rows;
  bool mean = false;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"rows", rows}, Field{"mean", mean}}; }
};

void expand_rows_cpu(const KernelContext& context);
[[gnu::weak]] void expand_rows_gpu(const KernelContext& context);
extern const OpDefinition kExpandRows;

}  // namespace polyscene::ops
