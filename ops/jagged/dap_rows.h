// Pooling of the rows of one sample and its gradient; shared by dap and rtm.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/jagged/dap.h"

namespace polyscene::ops {

// The number of columns whose sums stay in registers while the rows of a sample are read, and the number of rows per
// partial sum: partial sums keep the rounding error of a long sample as small as that of a short one.
inline constexpr int64_t kDapBlock = 32, kDapPiece = 256;

[[nodiscard]] inline int64_t dap_cols(DapKind kind, int64_t width) {
  return kind == DapKind::kMean ? width : 2 * width;
}

// sum [cols] = the sum of what term(i, sum) adds for the rows i < count.
template <class T, class Cols, class Term>
void dap_sums(int64_t count, Cols cols, T* sum, const Term& term) {
  std::fill_n(sum, kDapBlock, T{0});
  for (int64_t begin = 0; begin < count; begin += kDapPiece) {
    T piece[kDapBlock] = {};
    for (int64_t i = begin; i < std::min(count, begin + kDapPiece); ++i) term(i, piece);
    for (int64_t j = 0; j < cols; ++j) sum[j] += piece[j];
  }
}

// The mean and, if `variance` is not null, the variance of row(0) .. row(count - 1) in columns first .. first + cols -
// 1, at most kDapBlock columns. A compile-time `cols` keeps the sums in registers.
template <class T, class Row, class Cols>
void dap_moments(Row row, int64_t count, int64_t first, Cols cols, T* mean, T* variance) {
  T sum[kDapBlock], square[kDapBlock];
  const T scale = T{1} / static_cast<T>(std::max<int64_t>(count, 1));
  dap_sums<T>(count, cols, sum, [&](int64_t i, T* piece) {
    const T* __restrict x = row(i) + first;
    for (int64_t j = 0; j < cols; ++j) piece[j] += x[j];
  });
  for (int64_t j = 0; j < cols; ++j) mean[first + j] = sum[j] = sum[j] * scale;
  if (variance == nullptr) return;
  dap_sums<T>(count, cols, square, [&](int64_t i, T* piece) {
    const T* __restrict x = row(i) + first;
    for (int64_t j = 0; j < cols; ++j) {
      const T d = x[j] - sum[j];
      piece[j] += d * d;
    }
  });
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

// out [B, dap_cols] = the pooled rows of samples first .. last - 1 of rows [T, width].
template <class T>
void pool_samples(const DapAttributes& a, const int32_t* offsets, int64_t first, int64_t last, const T* rows,
                  int64_t width, T* out) {
  const int64_t stride = dap_cols(a.kind, width);
  for (int64_t s = first; s < last; ++s) {
    const T* own = rows + offsets[s] * width;
    pool_rows<T>(
        a, [=](int64_t i) { return own + i * width; }, offsets[s + 1] - offsets[s], width, out + s * stride);
  }
}

// The gradient of a row x of a sample is base + slope (x - mean). Computes base and slope [width] from the sample's
// pooled rows and their gradient. A sum of squares is never negative, so max(0, variance) has no kink to handle; a
// single row equals its mean and gets no gradient through the second moment.
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

// The pooled rows [B, dap_cols] and their gradient.
template <class T>
struct PooledGradient {
  DapKind kind;
  const int32_t* offsets;
  const T *pooled, *gradient;
};

// dx = the gradient that pooling passes to the rows x [T, width] of samples first .. last - 1, plus the gradient from
// their other use, nullptr for none.
template <class T>
void pooled_rows_gradient(const PooledGradient<T>& p, int64_t first, int64_t last, const T* x, int64_t width,
                          const T* other, T* dx) {
  const int64_t stride = dap_cols(p.kind, width);
  std::vector<T> factors(2 * width);
  T* __restrict base = factors.data(), * __restrict slope = base + width;
  for (int64_t s = first; s < last; ++s) {
    const T* __restrict mean = p.pooled + s * stride;
    dap_factors(p.kind, mean, p.gradient + s * stride, p.offsets[s + 1] - p.offsets[s], width, base, slope);
    for (int64_t i = p.offsets[s] * width; i < p.offsets[s + 1] * width; i += width) {
      T* __restrict to = dx + i;
      const T* __restrict row = x + i;
      for (int64_t j = 0; j < width; ++j) to[j] = base[j] + slope[j] * (row[j] - mean[j]);
      if (other == nullptr) continue;
      for (int64_t j = 0; j < width; ++j) to[j] += other[i + j];
    }
  }
}

}  // namespace polyscene::ops
