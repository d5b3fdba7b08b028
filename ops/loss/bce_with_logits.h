#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// Binary cross-entropy of logits: weight * sum_i (softplus(z_i) - y_i z_i) from logit z [B, 1], label y [B, 1] and
// weight [1] (e.g. 1 / global batch) -> [1]; B = 0 gives 0. A row with a negative label is padding: it adds nothing and
// gets no gradient. Stable for logits of any size; summed in double in a fixed order. dlogit = dloss * weight *
// (sigmoid(z) - y). Throws InvalidArgument if a gradient of label or weight is wanted, and on wrong shapes or types.
[[nodiscard]] Value bce_with_logits(Value logit, Value label, Value weight);

void bce_with_logits_cpu(const KernelContext& context);
[[gnu::weak]] void bce_with_logits_gpu(const KernelContext& context);
extern const OpDefinition kBceWithLogits;

}  // namespace polyscene::ops
