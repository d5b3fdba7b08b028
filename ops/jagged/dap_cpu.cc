#include <algorithm>
#include <cmath>

#include "ops/base/thread.h"
#include "ops/jagged/dap.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kSampleGrain = 32;

// Columns whose sums stay in registers while the rows of a sample go by.
constexpr int64_t kBlock = 32;

// Mean and, where `variance` is not null, variance of the rows of one sample in `cols` columns, one block of them; a
// fixed number lets the sums stay in registers.
template <class T, class Cols>
void moments(const T* __restrict rows, int64_t count, int64_t stride, Cols cols, T* mean, T* variance) {
  T sum[kBlock] = {}, square[kBlock] = {};
  const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < cols; ++j) sum[j] += rows[i * stride + j];
  for (int64_t j = 0; j < cols; ++j) mean[j] = sum[j] = sum[j] * scale;
  if (variance == nullptr) return;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      const T d = rows[i * stride + j] - sum[j];
      square[j] += d * d;
    }
  for (int64_t j = 0; j < cols; ++j) variance[j] = square[j] * scale;
}

template <class T>
void sample_moments(const T* rows, int64_t count, int64_t width, T* mean, T* variance) {
  int64_t j = 0;
  const auto at = [&](T* p) { return p == nullptr ? p : p + j; };
  for (; j + kBlock <= width; j += kBlock)
    moments(rows + j, count, width, std::integral_constant<int64_t, kBlock>{}, mean + j, at(variance));
  if (j < width) moments(rows + j, count, width, width - j, mean + j, at(variance));
}

// out = base + slope (x - mean), row by row; slope nullptr for zero.
template <class T>
void spread(const T* __restrict rows, int64_t count, int64_t width, const T* __restrict mean, const T* __restrict base,
            const T* __restrict slope, T* __restrict out) {
  for (int64_t i = 0; i < count; ++i, rows += width, out += width) {
    if (slope == nullptr) {
      std::copy_n(base, width, out);
      continue;
    }
    for (int64_t j = 0; j < width; ++j) out[j] = base[j] + slope[j] * (rows[j] - mean[j]);
  }
}

template <class T>
void forward(const KernelContext& c, DapKind kind, T eps) {
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const int64_t width = c.inputs[0].shape[1], stride = c.outputs[0].shape[1];
  const T* x = c.inputs[0].as<const T>();
  T* y = c.outputs[0].as<T>();
  parallel_for(c.outputs[0].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      T* mean = y + s * stride;
      T* second = kind == DapKind::kMean ? nullptr : mean + width;
      sample_moments(x + offsets[s] * width, offsets[s + 1] - offsets[s], width, mean, second);
      if (kind == DapKind::kMeanStd)
        for (int64_t j = 0; j < width; ++j) second[j] = std::sqrt(second[j] + eps);
    }
  });
}

// A sum of squares is never negative, so max(0, variance) has no kink to treat; one row lies on its mean and gets
// nothing through the second moment.
template <class T>
void backward(const KernelContext& c, DapKind kind) {
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const int64_t width = c.inputs[0].shape[1], stride = c.inputs[2].shape[1];
  const T *x = c.inputs[0].as<const T>(), *y = c.inputs[2].as<const T>(), *dy = c.inputs[3].as<const T>();
  T* dx = c.outputs[0].as<T>();
  parallel_for(c.inputs[2].shape[0], kSampleGrain, [=](int64_t begin, int64_t end) {
    std::vector<T> factors(static_cast<size_t>(2 * width));
    T *base = factors.data(), *slope = base + width;
    for (int64_t s = begin; s < end; ++s) {
      const int64_t count = offsets[s + 1] - offsets[s];
      if (count == 0) continue;
      const T scale = T{1} / static_cast<T>(count), *out = y + s * stride, *g = dy + s * stride;
      for (int64_t j = 0; j < width; ++j) base[j] = g[j] * scale;
      if (kind == DapKind::kMeanStd)
        for (int64_t j = 0; j < width; ++j) slope[j] = g[width + j] * scale / out[width + j];
      if (kind == DapKind::kMeanVariance)
        for (int64_t j = 0; j < width; ++j) slope[j] = 2 * scale * g[width + j];
      spread(x + offsets[s] * width, count, width, out, base, kind == DapKind::kMean ? nullptr : slope,
             dx + offsets[s] * width);
    }
  });
}

}  // namespace

void dap_cpu(const KernelContext& context) {
  const auto& a = context.attributes.as<DapAttributes>();
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { forward<T>(context, a.kind, static_cast<T>(a.eps)); });
}

void dap_backward_cpu(const KernelContext& context) {
  const DapKind kind = context.attributes.as<DapAttributes>().kind;
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { backward<T>(context, kind); });
}

}  // namespace polyscene::ops
