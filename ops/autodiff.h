// Reverse-mode differentiation: adds gradient nodes to a graph, once, from the rules beside the operators.
#pragma once

#include <span>
#include <vector>

#include "ops/graph/graph.h"

namespace polyscene {

// d(loss)/d(w) for each w of `with_respect_to`, as graph values of w's type. `loss` holds one element. A w that the
// loss does not depend on (or only through stop_gradient) yields no value. Throws InvalidArgument naming the op when a
// rule on the way is absent.
[[nodiscard]] std::vector<Value> gradients(Value loss, std::span<const Value> with_respect_to);

}  // namespace polyscene
