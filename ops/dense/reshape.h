#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x under another shape of as many elements, row-major; shares x's memory. The gradient is dy under x's shape.
// Throws InvalidArgument when the element counts are not equal for every value of the symbols.
[[nodiscard]] Value reshape(Value x, SymbolicShape shape);

struct ReshapeAttributes {
  SymbolicShape shape;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"shape", shape}}; }
};

extern const OpDefinition kReshape;

}  // namespace polyscene::ops
