// The fused float kernels of residual tailoring for copies of distinct rows.
#pragma once

#include "ops/jagged/dap_rows.h"
#include "ops/jagged/rtm_plain.h"
#include "ops/kernel/kernel.h"
#include "ops/simd/pack.h"

namespace polyscene::ops {

// Names follow rtm_distinct.h; gy is the gradient of y, nullptr for none.
struct RtmDistinctForwardCall {
  RtmShape shape;
  Cells cells;
  const int32_t *index, *offsets;
  const float *distinct, *projected, *row_bias, *wo, *co;
  DapAttributes pooling;
  float *y, *pooled;
};
struct RtmDistinctBackwardCall {
  RtmShape shape;
  Cells cells;
  int64_t distinct_rows;
  const int32_t *index, *offsets;
  const float *projected, *row_bias, *wo, *y;
  PooledGradient<float> pooled;
  const float* gy;
  float *ddistinct, *dprojected, *drow_bias, *dwo, *dco;
};

// What the backward pass keeps for the sums over equal index: q [T, padded hidden] and g [T, width].
struct KeptRows {
  float *q, *g;
};

void rtm_distinct_forward_simd(const RtmDistinctForwardCall& call, Scratch& scratch);
void rtm_distinct_backward_simd(const RtmDistinctBackwardCall& call, Scratch& scratch);

}  // namespace polyscene::ops
