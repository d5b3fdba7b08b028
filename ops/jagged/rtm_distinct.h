#pragma once

#include "ops/jagged/rtm.h"

namespace polyscene::ops {

// Residual tailoring (rtm.h; SFPNet, arXiv 2404.09709) of behaviours that are copies of V distinct rows, and the pooled
// result (dap.h). Sample s owns rows offsets[s] .. offsets[s+1]. With b = distinct[index]:
//   b + relu(projected[index] + row_bias[s]) wo + co [T, C].
// Equals rtm(b, ...) if projected [V, H] = distinct wb (the wb of rtm), but projects V rows instead of T. distinct [V,
// C], index int32 [T], int32 offsets [B + 1], row_bias [B, H], wo [H, C], co [C]. Gradients are those of rtm; the
// gradients of distinct and projected are summed over equal index in an order that depends on index alone. Honours
// ProductPrecision. Throws InvalidArgument on wrong shapes or types.
[[nodiscard]] PooledRows rtm_distinct(Value distinct, Value projected, Value index, Value offsets, Value row_bias,
                                      Value wo, Value co, const DapAttributes& pooling);

void rtm_distinct_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_distinct_gpu(const KernelContext& context);
void rtm_distinct_backward_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_distinct_backward_gpu(const KernelContext& context);
extern const OpDefinition kRtmDistinct, kRtmDistinctBackward;

}  // namespace polyscene::ops
