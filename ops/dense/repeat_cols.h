#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Repeats each column of x [N, G] `times` times: y[n, g * times + k] = x[n, g], y [N, G * times]. The gradient sums
// each group. Throws InvalidArgument unless x is a floating matrix with a static G and times >= 0.
[[nodiscard]] Value repeat_cols(Value x, int64_t times);

struct RepeatColsAttributes {
  int64_t times = 1;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"times", times}}; }
};

void repeat_cols_cpu(const KernelContext& context);
[[gnu::weak]] void repeat_cols_gpu(const KernelContext& context);
extern const OpDefinition kRepeatCols;

}  // namespace polyscene::ops
