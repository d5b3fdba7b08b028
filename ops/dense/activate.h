#pragma once

#include "ops/dense/activation.h"
#include "ops/graph/graph.h"

namespace polyscene::ops {

// activation(x), element-wise, of any shape and floating type; kNone returns x itself. dx = activation'(x) dy, written
// in terms of the output. At 0 the derivative of relu is 0.
[[nodiscard]] Value activate(Value x, Activation activation);

struct ActivateAttributes {
  Activation activation = Activation::kRelu;
  [[nodiscard]] auto fields() const { return std::tuple{Field{"activation", activation}}; }
};

void activate_cpu(const KernelContext& context);
extern const OpDefinition kActivate;

}  // namespace polyscene::ops
