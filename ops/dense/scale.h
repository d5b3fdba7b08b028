#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// factor * x + offset, element-wise, for any shape and floating type. dx = factor dy.
[[nodiscard]] Value scale(Value x, double factor, double offset = 0);

struct ScaleAttributes {
  double factor = 1;
  double offset = 0;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"factor", factor}, Field{"offset", offset}}; }
};

void scale_cpu(const KernelContext& context);
[[gnu::weak]] void scale_gpu(const KernelContext& context);
extern const OpDefinition kScale;

}  // namespace polyscene::ops
