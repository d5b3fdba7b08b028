#include "ops/jagged/rtm_distinct_simd.h"

#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/jagged/rtm_distinct_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/jagged/row_tasks.h"
#include "ops/jagged/rtm_sums.h"
#include "ops/jagged/rtm_tile-inl.h"
#include "ops/jagged/source_lists.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Gathered rows are prefetched this many rows ahead.
inline constexpr int64_t kAhead = 8;

HWY_INLINE void prefetch_row(const float* row, int64_t cols) {
  for (int64_t j = 0; j < cols; j += 16) __builtin_prefetch(row + j);
}

// u = relu(projected[index] + row_bias[owner]) on a tile, with padded rows; the first `known` >= rows indices may be
// read.
HWY_INLINE void hidden_tile(const RtmShape& e, int64_t rows, const float* projected, const int32_t* index,
                            int64_t known, const float* row_bias, const int64_t* owner, float* HWY_RESTRICT u) {
  const int64_t stride = padded_cols(e.hidden);
  const Lanes d;
  for (int64_t i = 0; i < rows; ++i) {
    if (i + kAhead < known) prefetch_row(projected + index[i + kAhead] * e.hidden, e.hidden);
    const float* p = projected + index[i] * e.hidden;
    const float* r = row_bias + owner[i] * e.hidden;
    for (int64_t j = 0; j < e.hidden; j += kLanes) {
      const Vector sum = hn::Add(load_cols(p + j, e.hidden - j), load_cols(r + j, e.hidden - j));
      hn::StoreU(hn::Max(hn::Zero(d), sum), d, u + i * stride + j);
    }
  }
}

template <class Arithmetic>
HWY_INLINE void forward_tile(const RtmDistinctForwardCall& call, const float* wo, int64_t row, int64_t rows,
                             int64_t known, const int64_t* owner) {
  const RtmShape& e = call.shape;
  const int64_t width = e.width, stride = padded_cols(e.hidden);
  const float* distinct = call.distinct;
  const int32_t* index = call.index + row;
  TileMemory memory = tile_memory(e);
  float* u = memory.take(rows, stride);
  for (int64_t i = 0; i < rows; ++i) prefetch_row(distinct + index[i] * width, width);
  hidden_tile(e, rows, call.projected, index, known, call.row_bias, owner, u);
  residual_tile<Arithmetic>(
      e, rows, u, stride, wo, call.co, [=](int64_t i) HWY_ATTR { return distinct + index[i] * width; },
      call.y + row * width, memory);
}

template <class Arithmetic>
HWY_INLINE void backward_tile(const RtmDistinctBackwardCall& call, const float* wo_transposed, const RtmSums& sums,
                              const KeptRows& kept, int64_t row, int64_t rows, int64_t known, const int64_t* owner) {
  const RtmShape& e = call.shape;
  const int64_t stride = padded_cols(e.hidden);
  const float* g = kept.g + row * e.width;
  float* q = kept.q + row * stride;
  TileMemory memory = tile_memory(e);
  float* u = memory.take(rows, stride);
  hidden_tile(e, rows, call.projected, call.index + row, known, call.row_bias, owner, u);
  masked_tile<Arithmetic>(e, rows, g, nullptr, wo_transposed, u, stride, q, memory);
  add_rows_by_owner(q, stride, rows, e.hidden, owner, call.drow_bias);
  add_tail_sums<Arithmetic>(e, rows, u, stride, g, sums.dwo, sums.dco, memory);
}

// Computes samples first .. last - 1, with wo packed.
void rtm_distinct_forward_task(const RtmDistinctForwardCall& call, const float* wo, int64_t first, int64_t last) {
  const auto run = [&](auto arithmetic) HWY_ATTR {
    for_tiles(call.offsets, first, last, [&](int64_t row, int64_t rows, const int64_t* owner) HWY_ATTR {
      forward_tile<decltype(arithmetic)>(call, wo, row, rows, call.offsets[last] - row, owner);
    });
  };
  call.cells == Cells::kFloat32 ? run(Float32{}) : with_bf16(run);
}

// Computes samples first .. last - 1, with wo^T packed, and keeps their g; `sums` and the samples' drow_bias start at
// zero.
void rtm_distinct_backward_task(const RtmDistinctBackwardCall& call, const float* wo_transposed, const RtmSums& sums,
                                const KeptRows& kept, int64_t first, int64_t last) {
  const auto run = [&](auto arithmetic) HWY_ATTR {
    for_tiles(call.offsets, first, last, [&](int64_t row, int64_t rows, const int64_t* owner) HWY_ATTR {
      backward_tile<decltype(arithmetic)>(call, wo_transposed, sums, kept, row, rows, call.offsets[last] - row, owner);
    });
  };
  call.cells == Cells::kFloat32 ? run(Float32{}) : with_bf16(run);
}

// to [cols] = the sum of the rows of `from` selected by `rows`, in order.
HWY_INLINE void sum_rows(const float* from, int64_t stride, std::span<const int32_t> rows, int64_t cols, float* to) {
  const Lanes d;
  for (int64_t col = 0; col < cols; col += kPanelCols) {
    const int64_t vectors = std::min<int64_t>(kPanelVectors, (cols - col + kLanes - 1) / kLanes);
    Vector sum[kPanelVectors];
    for (int v = 0; v < kPanelVectors; ++v) sum[v] = hn::Zero(d);
    if (vectors == kPanelVectors && cols - col >= kPanelCols) {
      for (const int32_t row : rows)
        for (int v = 0; v < kPanelVectors; ++v)
          sum[v] = hn::Add(sum[v], hn::LoadU(d, from + row * stride + col + v * kLanes));
    } else {
      for (const int32_t row : rows)
        for (int v = 0; v < vectors; ++v) {
          const int64_t at = col + v * kLanes;
          sum[v] = hn::Add(sum[v], load_cols(from + row * stride + at, cols - at));
        }
    }
    for (int v = 0; v < vectors; ++v) {
      const int64_t at = col + v * kLanes;
      store_cols(sum[v], to + at, cols - at);
    }
  }
}

// For distinct rows first .. last - 1: the sums of q and g over the behaviours that are copies of them.
void rtm_distinct_sources_task(const RtmDistinctBackwardCall& call, const SourceLists& sources, const KeptRows& kept,
                               int64_t first, int64_t last) {
  const RtmShape& e = call.shape;
  const size_t known = sources.begin[last];
  for (int64_t v = first; v < last; ++v) {
    const size_t begin = sources.begin[v];
    const size_t end = sources.begin[v + 1];
    const std::span<const int32_t> rows = sources.order.subspan(begin, end - begin);
    for (size_t k = begin + kAhead; k < std::min(end + kAhead, known); ++k) {
      prefetch_row(kept.q + sources.order[k] * padded_cols(e.hidden), e.hidden);
      prefetch_row(kept.g + sources.order[k] * e.width, e.width);
    }
    sum_rows(kept.q, padded_cols(e.hidden), rows, e.hidden, call.dprojected + v * e.hidden);
    sum_rows(kept.g, e.width, rows, e.width, call.ddistinct + v * e.width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace polyscene::ops {
namespace {
HWY_EXPORT(rtm_distinct_forward_task);
HWY_EXPORT(rtm_distinct_backward_task);
HWY_EXPORT(rtm_distinct_sources_task);
}  // namespace

void rtm_distinct_forward_simd(const RtmDistinctForwardCall& call, Scratch& scratch) {
  const RtmShape& e = call.shape;
  const float* wo = packed(call.wo, e.hidden, e.width, false, call.cells, scratch);
  const RowTasks tasks(call.offsets, e.batch, 384, 1 << 20);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t first = tasks.begin(task), last = tasks.begin(task + 1);
    HWY_DYNAMIC_DISPATCH(rtm_distinct_forward_task)(call, wo, first, last);
    pool_samples(call.pooling, call.offsets, first, last, call.y, e.width, call.pooled);
  });
}

void rtm_distinct_backward_simd(const RtmDistinctBackwardCall& call, Scratch& scratch) {
  const RtmShape& e = call.shape;
  const float* wo_transposed = packed(call.wo, e.width, e.hidden, true, call.cells, scratch);
  const KeptRows kept{scratch.get<float>(e.rows * padded_cols(e.hidden)).data(),
                      scratch.get<float>(e.rows * e.width).data()};
  const RowTasks tasks(call.offsets, e.batch, 384, 64);
  const RtmTaskSums sums(e, tasks.count(), false, scratch);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t first = tasks.begin(task), last = tasks.begin(task + 1);
    std::fill_n(call.drow_bias + first * e.hidden, (last - first) * e.hidden, 0.0f);
    pooled_rows_gradient(call.pooled, first, last, call.y, e.width, call.gy, kept.g);
    HWY_DYNAMIC_DISPATCH(rtm_distinct_backward_task)(call, wo_transposed, sums.start(task), kept, first, last);
  });
  sums.finish(nullptr, call.dwo, call.dco);
  const SourceLists sources = invert_index(std::span(call.index, e.rows), call.distinct_rows, scratch);
  const RowTasks runs(sources.begin.data(), call.distinct_rows, 1024, 1 << 20);
  parallel_for(runs.count(), 1, [&](int64_t run, int64_t) {
    HWY_DYNAMIC_DISPATCH(rtm_distinct_sources_task)(call, sources, kept, runs.begin(run), runs.begin(run + 1));
  });
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
