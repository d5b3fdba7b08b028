#pragma once

#include "ops/jagged/rtm.h"

namespace polyscene::ops {

// Residual tailoring where the behaviours are copies of V distinct rows: with b = distinct[index],
//   b + relu(projected[index] + row_bias[s]) wo + co [T, C],
// equal to rtm(b, ...) when projected [V, H] = distinct wb, at the cost of projecting V rows instead of T. distinct
// [V, C], index int32 [T], int32 offsets [B + 1], row_bias [B, H], wo [H, C], co [C]. Gradients as for rtm, those of
// distinct and projected summed over equal index in an order that depends on index alone. Honours ProductPrecision.
// Throws InvalidArgument when shapes or types do not fit.
[[nodiscard]] PooledRows rtm_distinct(Value distinct, Value projected, Value index, Value offsets, Value row_bias,
                                      Value wo, Value co, const DapAttributes& pooling);

void rtm_distinct_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_distinct_gpu(const KernelContext& context);
void rtm_distinct_backward_cpu(const KernelContext& context);
[[gnu::weak]] void rtm_distinct_backward_gpu(const KernelContext& context);
extern const OpDefinition kRtmDistinct, kRtmDistinctBackward;

}  // namespace polyscene::ops
