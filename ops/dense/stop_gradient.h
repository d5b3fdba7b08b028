#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x itself (shares its memory), for any shape and floating type; no gradient flows back through it.
[[nodiscard]] Value stop_gradient(Value x);

extern const OpDefinition kStopGradient;

}  // namespace polyscene::ops
