#include "ops/jagged/rtm_simd.h"

#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/jagged/rtm_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/jagged/rtm_sums.h"
#include "ops/jagged/rtm_tasks.h"
#include "ops/jagged/rtm_tile-inl.h"
#include "ops/simd/pack.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Samples first .. last - 1, with wb and wo packed.
void rtm_forward_task(const RtmForwardCall& call, const float* wb, const float* wo, int64_t first, int64_t last) {
  const RtmShape& e = call.shape;
  const Lanes d;
  const float* row_bias = call.row_bias;
  const int64_t width = e.width, hidden = e.hidden;
  Owners owners(call.offsets, first);
  int64_t owner[kTileRows];
  for (int64_t row = call.offsets[first], end = call.offsets[last]; row < end; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, end - row);
    owners.fill(row, rows, owner);
    const float* b = call.b + row * e.width;
    float* u = call.u + row * e.hidden;
    tile_product(
        ByRows{b, e.width}, packed_panels(wb, e.width), rows, e.width, e.hidden,
        [=, &owner](int64_t i, int64_t j, auto left)
            HWY_ATTR { return load_cols(row_bias + owner[i] * hidden + j, left); },
        [=](int64_t i, int64_t j, auto left, Vector v)
            HWY_ATTR { store_cols(hn::Max(hn::Zero(d), v), u + i * hidden + j, left); });
    residual_tile(
        e, rows, u, e.hidden, packed_panels(wo, e.hidden), call.co, [=](int64_t i) HWY_ATTR { return b + i * width; },
        call.y + row * e.width);
  }
}

// Samples first .. last - 1, with wo^T and wb^T packed; `sums` and the samples' drow_bias start at zero.
void rtm_backward_task(const RtmBackwardCall& call, const float* wo_transposed, const float* wb_transposed,
                       const RtmSums& sums, int64_t first, int64_t last) {
  const RtmShape& e = call.shape;
  const int64_t hidden = padded_cols(e.hidden), width = padded_cols(e.width);
  float* q = thread_workspace(kTileRows * (hidden + width));
  Owners owners(call.offsets, first);
  int64_t owner[kTileRows];
  for (int64_t row = call.offsets[first], end = call.offsets[last]; row < end; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, end - row);
    owners.fill(row, rows, owner);
    const float *b = call.b + row * e.width, *u = call.u + row * e.hidden, *g = call.g + row * e.width;
    const float* gu = call.gu == nullptr ? nullptr : call.gu + row * e.hidden;
    masked_tile(e, rows, g, gu, packed_panels(wo_transposed, e.width), u, e.hidden, q);
    add_rows_by_owner(q, hidden, rows, e.hidden, owner, call.drow_bias);
    add_outer(b, e.width, e.width, q, hidden, e.hidden, rows, sums.dwb);
    const float* whole = whole_vectors(g, rows, e.width, q + kTileRows * hidden);
    add_rows(whole, width, rows, e.width, sums.dco);
    add_outer(u, e.hidden, e.hidden, whole, width, e.width, rows, sums.dwo);
    float* db = call.db + row * e.width;
    tile_product(
        ByRows{q, hidden}, packed_panels(wb_transposed, e.hidden), rows, e.hidden, e.width,
        [=](int64_t i, int64_t j, auto left) HWY_ATTR { return load_cols(g + i * e.width + j, left); },
        [=](int64_t i, int64_t j, auto left, Vector v) HWY_ATTR { store_cols(v, db + i * e.width + j, left); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace polyscene::ops {
namespace {
HWY_EXPORT(rtm_forward_task);
HWY_EXPORT(rtm_backward_task);
}  // namespace

void rtm_forward_simd(const RtmForwardCall& call, Scratch& scratch) {
  const RtmShape& e = call.shape;
  const float* wb = packed(call.wb, e.width, e.hidden, false, scratch);
  const float* wo = packed(call.wo, e.hidden, e.width, false, scratch);
  const RtmTasks tasks(call.offsets, e.batch, 1024, 1 << 20);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    HWY_DYNAMIC_DISPATCH(rtm_forward_task)(call, wb, wo, tasks.begin(task), tasks.begin(task + 1));
  });
}

void rtm_backward_simd(const RtmBackwardCall& call, Scratch& scratch) {
  const RtmShape& e = call.shape;
  const float* wo_transposed = packed(call.wo, e.width, e.hidden, true, scratch);
  const float* wb_transposed = packed(call.wb, e.hidden, e.width, true, scratch);
  const RtmTasks tasks(call.offsets, e.batch, 2048, 64);
  const RtmTaskSums sums(e, tasks.count(), true, scratch);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t first = tasks.begin(task), last = tasks.begin(task + 1);
    std::fill_n(call.drow_bias + first * e.hidden, (last - first) * e.hidden, 0.0f);
    HWY_DYNAMIC_DISPATCH(rtm_backward_task)(call, wo_transposed, wb_transposed, sums.start(task), first, last);
  });
  sums.finish(call.dwb, call.dwo, call.dco);
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
