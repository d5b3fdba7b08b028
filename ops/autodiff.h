// Reverse-mode differentiation: adds gradient nodes to a graph, once, with the gradient rules of the operators.
#pragma once

#include <span>
#include <vector>

#include "ops/graph/graph.h"

namespace polyscene {

// d(loss)/d(w) for each w of `with_respect_to`, as graph values of w's type. `loss` holds one element. If the loss does
// not depend on w (or only through stop_gradient), the result is no value. Throws InvalidArgument naming the op if a
// rule on the way is absent.
[[nodiscard]] std::vector<Value> gradients(Value loss, std::span<const Value> with_respect_to);

}  // namespace polyscene
