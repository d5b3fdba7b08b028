#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// A value of the given floating type, every element `value`. No inputs, no gradient.
[[nodiscard]] Value constant(Graph& graph, const ValueType& type, double value);

struct ConstantAttributes {
  DType dtype;
  SymbolicShape shape;
  double value;
  [[nodiscard]] auto fields() const {
    return std::tuple{Field{"dtype", dtype}, Field{"shape", shape}, Field{"value", value}};
  }
};

void constant_cpu(const KernelContext& context);
[[gnu::weak]] void constant_gpu(const KernelContext& context);
extern const OpDefinition kConstant;

}  // namespace polyscene::ops
