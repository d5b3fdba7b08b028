#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x with another shape of the same number of elements, row-major; shares x's memory. The gradient is dy with x's shape.
// Throws InvalidArgument if the numbers of elements differ for some values of the symbols.
[[nodiscard]] Value reshape(Value x, SymbolicShape shape);

struct ReshapeAttributes {
  SymbolicShape shape;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"shape", shape}}; }
};

extern const OpDefinition kReshape;

}  // namespace polyscene::ops
