#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The sum of each segment: y[b, :] = sum of values[t, :] for t in [offsets[b], offsets[b + 1]), values [T, C] and
// offsets int32 [B + 1] -> [B, C]; with `mean`, divided by max(1, length). An empty segment gives 0. The offsets must
// ascend from 0 to T, which is not checked. dvalues = expand_rows(dy, offsets, T, mean). Throws InvalidArgument on
// wrong ranks or types.
[[nodiscard]] Value segment_sum(Value values, Value offsets, bool mean = false);

struct SegmentSumAttributes {
  bool mean = false;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"mean", mean}}; }
};

void segment_sum_cpu(const KernelContext& context);
[[gnu::weak]] void segment_sum_gpu(const KernelContext& context);
extern const OpDefinition kSegmentSum;

}  // namespace polyscene::ops
