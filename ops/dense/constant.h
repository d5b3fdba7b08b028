#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// A value of the given type, every element `value`. No inputs, no gradient.
[[nodiscard]] Value constant(Graph& graph, const ValueType& type, double value);

void constant_cpu(const KernelContext& context);
extern const OpDefinition kConstant;

}  // namespace polyscene::ops
