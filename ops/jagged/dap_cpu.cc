#include <vector>

#include "ops/base/thread.h"
#include "ops/dense/fixed_cols.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/dap_rows.h"
#include "ops/jagged/row_tasks.h"
#include "ops/jagged/source_lists.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kSampleGrain = 32;
// The number of sources per task, and how many sources ahead rows are prefetched.
constexpr int64_t kSourcesPerTask = 1024, kAhead = 8;
// A row with thousands of sources is summed in pieces of this many, which keeps its rounding error as small as that of
// a short sum.
constexpr int32_t kPieceSources = 256;

bool gathered(const KernelContext& c, size_t own_inputs) { return c.inputs.size() > own_inputs; }

template <class T>
void forward(const KernelContext& c, const DapAttributes& a) {
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const int64_t width = c.inputs[0].shape[1], stride = c.outputs[0].shape[1];
  const T* x = c.inputs[0].as<const T>();
  T* y = c.outputs[0].as<T>();
  const int32_t* index = gathered(c, 2) ? c.inputs[2].as<const int32_t>() : nullptr;
  parallel_for(c.outputs[0].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
    if (index == nullptr) return pool_samples<T>(a, offsets, begin, end, x, width, y);
    for (int64_t s = begin; s < end; ++s) {
      const int32_t* own = index + offsets[s];
      pool_rows<T>(
          a, [=](int64_t i) { return x + own[i] * width; }, offsets[s + 1] - offsets[s], width, y + s * stride);
    }
  });
}

template <class T>
void backward(const KernelContext& c, DapKind kind) {
  const PooledGradient<T> p{kind, c.inputs[1].as<const int32_t>(), c.inputs[2].as<const T>(),
                            c.inputs[3].as<const T>()};
  const int64_t width = c.inputs[0].shape[1];
  const T* x = c.inputs[0].as<const T>();
  T* dx = c.outputs[0].as<T>();
  parallel_for(c.inputs[2].shape[0], kSampleGrain,
               [=](int64_t begin, int64_t end) { pooled_rows_gradient<T>(p, begin, end, x, width, nullptr, dx); });
}

// The factors of every sample for the gradients of its rows, contiguous: base and, with a second moment, slope and
// mean.
template <class T>
const T* sample_factors(const KernelContext& c, DapKind kind, int64_t width, int64_t stride) {
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const int64_t batch = c.inputs[2].shape[0], pooled_stride = c.inputs[2].shape[1];
  const T *y = c.inputs[2].as<const T>(), *dy = c.inputs[3].as<const T>();
  T* factors = c.scratch.get<T>(batch * stride).data();
  parallel_for(batch, kSampleGrain, [=](int64_t begin, int64_t end) {
    std::vector<T> unused(width);
    for (int64_t s = begin; s < end; ++s) {
      T *base = factors + s * stride, *slope = stride > width ? base + width : unused.data();
      const T* mean = y + s * pooled_stride;
      dap_factors(kind, mean, dy + s * pooled_stride, offsets[s + 1] - offsets[s], width, base, slope);
      if (stride > width) std::copy_n(mean, width, base + 2 * width);
    }
  });
  return factors;
}

// Adds the gradients of all rows that read x, without writing them one by one.
template <class T, class Cols>
void add_factors(const T* __restrict factors, const T* __restrict x, bool second, Cols cols, T* __restrict sum) {
  if (!second) {
    for (int64_t j = 0; j < cols; ++j) sum[j] += factors[j];
    return;
  }
  const T *slope = factors + cols, *mean = slope + cols;
  for (int64_t j = 0; j < cols; ++j) sum[j] += factors[j] + slope[j] * (x[j] - mean[j]);
}

template <class T>
void prefetch(const T* p, int64_t count) {
  for (int64_t j = 0; j < count; j += 64 / sizeof(T)) __builtin_prefetch(p + j);
}

template <class T>
void backward_gathered(const KernelContext& c, DapKind kind) {
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const int64_t rows = c.inputs[0].shape[0], width = c.inputs[0].shape[1];
  const bool second = kind != DapKind::kMean;
  const int64_t stride = second ? 3 * width : width;
  const T* x = c.inputs[0].as<const T>();
  const T* factors = sample_factors<T>(c, kind, width, stride);
  T* dx = c.outputs[0].as<T>();
  const std::span<const int32_t> index = c.inputs[4].elements<const int32_t>();
  int32_t* owner = c.scratch.get<int32_t>(std::ssize(index)).data();
  parallel_for(c.inputs[2].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s)
      std::fill(owner + offsets[s], owner + offsets[s + 1], static_cast<int32_t>(s));
  });
  const SourceLists sources = invert_index(index, rows, c.scratch);
  const int32_t *first = sources.begin.data(), *order = sources.order.data();
  const RowTasks tasks(first, rows, kSourcesPerTask, 1 << 20);
  parallel_for(tasks.count(), 1, [&](int64_t task, int64_t) {
    const int64_t last = tasks.begin(task + 1);
    const int32_t known = first[last];
    with_fixed_cols(width, [&](auto cols) {
      std::vector<T> piece(width);
      for (int64_t v = tasks.begin(task); v < last; ++v) {
        T* sum = dx + v * width;
        std::fill_n(sum, width, T{0});
        for (int32_t begin = first[v], end = first[v + 1]; begin < end; begin += kPieceSources) {
          std::ranges::fill(piece, T{0});
          for (int32_t k = begin; k < std::min(end, begin + kPieceSources); ++k) {
            if (k + kAhead < known) prefetch(factors + owner[order[k + kAhead]] * stride, stride);
            add_factors<T>(factors + owner[order[k]] * stride, x + v * width, second, cols, piece.data());
          }
          for (int64_t j = 0; j < width; ++j) sum[j] += piece[j];
        }
      }
    });
  });
}

}  // namespace

void dap_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype,
                    [&]<class T>() { forward<T>(context, context.attributes.as<DapAttributes>()); });
}

void dap_backward_cpu(const KernelContext& context) {
  const DapKind kind = context.attributes.as<DapAttributes>().kind;
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    gathered(context, 4) ? backward_gathered<T>(context, kind) : backward<T>(context, kind);
  });
}

}  // namespace polyscene::ops
