// The fused float kernels of residual tailoring: one pass over tiles of behaviours computes both matrix products of the
// forward pass, or all four of the backward pass, on rows that are in the caches.
#pragma once

#include "ops/jagged/dap_rows.h"
#include "ops/jagged/rtm_plain.h"
#include "ops/kernel/kernel.h"
#include "ops/simd/pack.h"

namespace polyscene::ops {

// Names follow rtm.h; gy and gu are the gradients of y and u, nullptr for none.
struct RtmForwardCall {
  RtmShape shape;
  Cells cells;
  const int32_t* offsets;
  const float *b, *row_bias, *wb, *wo, *co;
  DapAttributes pooling;
  float *y, *pooled, *u;
};
struct RtmBackwardCall {
  RtmShape shape;
  Cells cells;
  const int32_t* offsets;
  const float *b, *u, *wb, *wo, *y;
  PooledGradient<float> pooled;
  const float *gy, *gu;
  float *db, *drow_bias, *dwb, *dwo, *dco;
};

void rtm_forward_simd(const RtmForwardCall& call, Scratch& scratch);
void rtm_backward_simd(const RtmBackwardCall& call, Scratch& scratch);

}  // namespace polyscene::ops
