#pragma once

#include "ops/jagged/dap.h"

namespace polyscene::ops {

// Jagged rows [T, C] and their dap, computed in the same pass over them.
struct PooledRows {
  Value rows, pooled;
};

// Residual tailoring of jagged behaviours b [T, C], fused: b + relu(b wb + row_bias[s]) wo + co [T, C], where sample s
// owns rows offsets[s] .. offsets[s+1] of the int32 offsets [B + 1]. row_bias [B, H], wb [C, H], wo [H, C], co [C]. Let
// u be the rectified rows and g the gradient of the resulting rows, their pooling's included. The gradients are q = (g
// wo^T) 1[u > 0], db = g + q wb^T, drow_bias[s] = sum of the sample's q, dwb = b^T q, dwo = u^T g, dco = sum of g. The
// order of sums depends on the offsets alone. Honours ProductPrecision. Throws InvalidArgument on wrong shapes or
// types.
[[nodiscard]] PooledRows rtm(Value b, Value offsets, Value row_bias, Value wb, Value wo, Value co,
                             const DapAttributes& pooling);

// The op's third output is u [T, H], kept for the backward pass; a gradient of u, if there is one, is added to g wo^T.
void rtm_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_gpu(const KernelContext& context);
void rtm_backward_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_backward_gpu(const KernelContext& context);
extern const OpDefinition kRtm, kRtmBackward;

}  // namespace polyscene::ops
