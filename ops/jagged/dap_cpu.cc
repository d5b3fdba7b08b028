#include <algorithm>
#include <cmath>

#include "ops/base/thread.h"
#include "ops/jagged/dap.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kSampleGrain = 16;

// Mean [width] and, where asked for, variance [width] of `count` rows.
template <class T>
void moments(const T* rows, int64_t count, int64_t width, T* mean, T* variance) {
  std::fill_n(mean, width, T{0});
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; ++j) mean[j] += rows[i * width + j];
  const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
  for (int64_t j = 0; j < width; ++j) mean[j] *= scale;
  if (variance == nullptr) return;
  std::fill_n(variance, width, T{0});
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; ++j) {
      const T d = rows[i * width + j] - mean[j];
      variance[j] += d * d;
    }
  for (int64_t j = 0; j < width; ++j) variance[j] *= scale;
}

// dx = base + slope (x - mean), row by row.
template <class T>
void spread(const T* rows, int64_t count, int64_t width, const T* mean, const T* base, const T* slope, T* out) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; ++j) out[i * width + j] = base[j] + slope[j] * (rows[i * width + j] - mean[j]);
}

}  // namespace

void dap_cpu(const KernelContext& context) {
  const auto [kind, eps] = context.attributes.as<DapAttributes>();
  const auto* offsets = context.inputs[1].as<const int32_t>();
  const int64_t width = context.inputs[0].shape[1], stride = context.outputs[0].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&, pool = kind, floor = eps]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(context.outputs[0].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) {
        T* mean = y + s * stride;
        T* second = pool == DapKind::kMean ? nullptr : mean + width;
        moments(x + offsets[s] * width, offsets[s + 1] - offsets[s], width, mean, second);
        if (pool == DapKind::kMeanStd)
          for (int64_t j = 0; j < width; ++j) second[j] = std::sqrt(second[j] + static_cast<T>(floor));
      }
    });
  });
}

void dap_backward_cpu(const KernelContext& context) {
  const DapKind kind = context.attributes.as<DapAttributes>().kind;
  const auto* offsets = context.inputs[1].as<const int32_t>();
  const int64_t width = context.inputs[0].shape[1], stride = context.inputs[2].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T *x = context.inputs[0].as<const T>(), *y = context.inputs[2].as<const T>();
    const T* dy = context.inputs[3].as<const T>();
    T* dx = context.outputs[0].as<T>();
    parallel_for(context.inputs[2].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
      std::vector<T> base(static_cast<size_t>(width)), slope(static_cast<size_t>(width));
      for (int64_t s = begin; s < end; ++s) {
        const int64_t count = offsets[s + 1] - offsets[s];
        const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
        const T *out = y + s * stride, *g = dy + s * stride;
        for (int64_t j = 0; j < width; ++j) {
          const auto at = static_cast<size_t>(j);
          base[at] = g[j] * scale;
          if (kind == DapKind::kMeanStd) slope[at] = g[width + j] * scale / out[width + j];
          if (kind == DapKind::kMeanVariance) slope[at] = 2 * g[width + j] * scale;
        }
        spread(x + offsets[s] * width, count, width, out, base.data(), slope.data(), dx + offsets[s] * width);
      }
    });
  });
}

}  // namespace polyscene::ops
