// Pooling the rows of one sample and its gradient: what dap and residual tailoring share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ops/jagged/dap.h"

namespace polyscene::ops {

// Columns whose sums stay in registers while the rows of a sample go by.
inline constexpr int64_t kDapBlock = 32;

[[nodiscard]] inline int64_t dap_cols(DapKind kind, int64_t width) {
  return kind == DapKind::kMean ? width : 2 * width;
}

// Mean and, where `variance` is not null, variance of row(0) .. row(count - 1) in the columns first .. first + cols -
// 1, at most a block; a fixed number lets the sums stay in registers.
template <class T, class Row, class Cols>
void dap_moments(Row row, int64_t count, int64_t first, Cols cols, T* mean, T* variance) {
  T sum[kDapBlock] = {}, square[kDapBlock] = {};
  const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
  for (int64_t i = 0; i < count; ++i) {
    const T* __restrict x = row(i) + first;
    for (int64_t j = 0; j < cols; ++j) sum[j] += x[j];
  }
  for (int64_t j = 0; j < cols; ++j) mean[first + j] = sum[j] = sum[j] * scale;
  if (variance == nullptr) return;
  for (int64_t i = 0; i < count; ++i) {
    const T* __restrict x = row(i) + first;
    for (int64_t j = 0; j < cols; ++j) {
      const T d = x[j] - sum[j];
      square[j] += d * d;
    }
  }
  for (int64_t j = 0; j < cols; ++j) variance[first + j] = square[j] * scale;
}

// out [dap_cols] = the pooled rows row(0) .. row(count - 1) of one sample.
template <class T, class Row>
void pool_rows(const DapAttributes& a, Row row, int64_t count, int64_t width, T* out) {
  T* second = a.kind == DapKind::kMean ? nullptr : out + width;
  int64_t j = 0;
  for (; j + kDapBlock <= width; j += kDapBlock)
    dap_moments<T>(row, count, j, std::integral_constant<int64_t, kDapBlock>{}, out, second);
  if (j < width) dap_moments<T>(row, count, j, width - j, out, second);
  if (a.kind == DapKind::kMeanStd)
    for (j = 0; j < width; ++j) second[j] = std::sqrt(second[j] + static_cast<T>(a.eps));
}

// The gradient of a row x of a sample is base + slope (x - mean): base and slope [width] from the sample's pooled rows
// and their gradient. A sum of squares is never negative, so max(0, variance) has no kink to treat; one row lies on its
// mean and gets nothing through the second moment.
template <class T>
void dap_factors(DapKind kind, const T* pooled, const T* gradient, int64_t count, int64_t width, T* base, T* slope) {
  const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
  for (int64_t j = 0; j < width; ++j) base[j] = gradient[j] * scale;
  if (kind == DapKind::kMeanStd)
    for (int64_t j = 0; j < width; ++j) slope[j] = gradient[width + j] * scale / pooled[width + j];
  if (kind == DapKind::kMeanVariance)
    for (int64_t j = 0; j < width; ++j) slope[j] = 2 * scale * gradient[width + j];
  if (kind == DapKind::kMean) std::fill_n(slope, width, T{0});
}

}  // namespace polyscene::ops
