#include "ops/jagged/rtm_simd.h"

#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/jagged/rtm_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/jagged/row_tasks.h"
#include "ops/jagged/rtm_sums.h"
#include "ops/jagged/rtm_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

template <class Arithmetic>
HWY_INLINE void forward_tile(const RtmForwardCall& call, const float* wb, const float* wo, int64_t row, int64_t rows,
                             const int64_t* owner) {
  const RtmShape& e = call.shape;
  const Lanes d;
  const float *b = call.b + row * e.width, *row_bias = call.row_bias;
  float* u = call.u + row * e.hidden;
  const int64_t width = e.width, hidden = e.hidden, inner = cells<Arithmetic>(width);
  TileMemory memory = tile_memory(e);
  tile_product<Arithmetic>(
      left_by_rows<Arithmetic>(b, width, rows, width, memory), packed_panels(wb, inner), rows, inner, hidden,
      [=](int64_t i, int64_t j, auto left) HWY_ATTR { return load_cols(row_bias + owner[i] * hidden + j, left); },
      [=](int64_t i, int64_t j, auto left, Vector v)
          HWY_ATTR { store_cols(hn::Max(hn::Zero(d), v), u + i * hidden + j, left); });
  residual_tile<Arithmetic>(
      e, rows, u, hidden, wo, call.co, [=](int64_t i) HWY_ATTR { return b + i * width; }, call.y + row * width, memory);
}

template <class Arithmetic>
HWY_INLINE void backward_tile(const RtmBackwardCall& call, const float* wo_transposed, const float* wb_transposed,
                              const RtmSums& sums, int64_t row, int64_t rows, const int64_t* owner) {
  const RtmShape& e = call.shape;
  const int64_t width = e.width, hidden = e.hidden, stride = padded_cols(hidden), inner = cells<Arithmetic>(hidden);
  const float *b = call.b + row * width, *u = call.u + row * hidden;
  const float* gu = call.gu == nullptr ? nullptr : call.gu + row * hidden;
  float* db = call.db + row * width;
  const float* g = db;
  TileMemory memory = tile_memory(e);
  float* q = memory.take(rows, stride);
  masked_tile<Arithmetic>(e, rows, g, gu, wo_transposed, u, hidden, q, memory);
  add_rows_by_owner(q, stride, rows, hidden, owner, call.drow_bias);
  add_tail_sums<Arithmetic>(e, rows, u, hidden, g, sums.dwo, sums.dco, memory);
  TileMemory outer = memory;
  const ByColumns left_b = left_by_columns<Arithmetic>(b, width, rows, width, outer);
  add_outer<Arithmetic>(left_b, width, right_tile<Arithmetic>(q, stride, rows, hidden, outer), hidden, rows, sums.dwb);
  tile_product<Arithmetic>(
      left_by_rows<Arithmetic>(q, stride, rows, hidden, memory), packed_panels(wb_transposed, inner), rows, inner,
      width, [=](int64_t i, int64_t j, auto left) HWY_ATTR { return load_cols(g + i * width + j, left); },
      [=](int64_t i, int64_t j, auto left, Vector v) HWY_ATTR { store_cols(v, db + i * width + j, left); });
}

// Computes samples first .. last - 1, with wb and wo packed.
void rtm_forward_task(const RtmForwardCall& call, const float* wb, const float* wo, int64_t first, int64_t last) {
  const auto run = [&](auto arithmetic) HWY_ATTR {
    for_tiles(call.offsets, first, last, [&](int64_t row, int64_t rows, const int64_t* owner) HWY_ATTR {
      forward_tile<decltype(arithmetic)>(call, wb, wo, row, rows, owner);
    });
  };
  call.cells == Cells::kFloat32 ? run(Float32{}) : with_bf16(run);
}

// Computes samples first .. last - 1, with wo^T and wb^T packed; db starts as g, `sums` and the samples' drow_bias as
// zero.
void rtm_backward_task(const RtmBackwardCall& call, const float* wo_transposed, const float* wb_transposed,
                       const RtmSums& sums, int64_t first, int64_t last) {
  const auto run = [&](auto arithmetic) HWY_ATTR {
    for_tiles(call.offsets, first, last, [&](int64_t row, int64_t rows, const int64_t* owner) HWY_ATTR {
      backward_tile<decltype(arithmetic)>(call, wo_transposed, wb_transposed, sums, row, rows, owner);
    });
  };
  call.cells == Cells::kFloat32 ? run(Float32{}) : with_bf16(run);
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
  const float* wb = packed(call.wb, e.width, e.hidden, false, call.cells, scratch);
  const float* wo = packed(call.wo, e.hidden, e.width, false, call.cells, scratch);
  const RowTasks tasks(call.offsets, e.batch, 384, 1 << 20);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t first = tasks.begin(task), last = tasks.begin(task + 1);
    HWY_DYNAMIC_DISPATCH(rtm_forward_task)(call, wb, wo, first, last);
    pool_samples(call.pooling, call.offsets, first, last, call.y, e.width, call.pooled);
  });
}

void rtm_backward_simd(const RtmBackwardCall& call, Scratch& scratch) {
  const RtmShape& e = call.shape;
  const float* wo_transposed = packed(call.wo, e.width, e.hidden, true, call.cells, scratch);
  const float* wb_transposed = packed(call.wb, e.hidden, e.width, true, call.cells, scratch);
  const RowTasks tasks(call.offsets, e.batch, 384, 64);
  const RtmTaskSums sums(e, tasks.count(), true, scratch);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t first = tasks.begin(task), last = tasks.begin(task + 1);
    std::fill_n(call.drow_bias + first * e.hidden, (last - first) * e.hidden, 0.0f);
    pooled_rows_gradient(call.pooled, first, last, call.y, e.width, call.gy, call.db);
    HWY_DYNAMIC_DISPATCH(rtm_backward_task)(call, wo_transposed, wb_transposed, sums.start(task), first, last);
  });
  sums.finish(call.dwb, call.dwo, call.dco);
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
