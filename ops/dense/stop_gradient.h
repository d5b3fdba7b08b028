#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// x itself (shares its memory), of any shape and floating type, through which no gradient flows.
[[nodiscard]] Value stop_gradient(Value x);

extern const OpDefinition kStopGradient;

}  // namespace polyscene::ops
