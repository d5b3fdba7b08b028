#pragma once

#include "ops/graph/graph.h"

namespace polyscene::ops {

// dlogit [B, 1] = dloss * weight * (sigmoid(logit) - label) from dloss [1], logit [B, 1], label [B, 1] and weight [1];
// 0 if the label is negative. It has no gradient itself.
[[nodiscard]] Value bce_with_logits_gradient(Value dloss, Value logit, Value label, Value weight);

// logit, label (0, 1, or -1 in every fifth row) and weight for samples; |logit| is at most `logit_scale`.
[[nodiscard]] std::vector<Tensor> sample_bce_inputs(int64_t batch, double logit_scale);

void bce_with_logits_gradient_cpu(const KernelContext& context);
[[gnu::weak]] void bce_with_logits_gradient_gpu(const KernelContext& context);
extern const OpDefinition kBceWithLogitsGradient;

}  // namespace polyscene::ops
