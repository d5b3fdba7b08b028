// Pooling of the rows of a sample and its gradient, one thread per pack of columns; shared by dap and rtm.
#pragma once

#include <cmath>

#include "ops/jagged/dap.h"
#include "ops/jagged/segments_gpu.h"

namespace polyscene::ops {

// Mean and variance in one pass (Welford, Technometrics 1962): numerically stable for any rows, even with an outlier.
template <int kPack>
class Moments {
 public:
  POLYSCENE_DEVICE void add(const simt::Pack<float, kPack>& x) {
    const float share = 1.0f / static_cast<float>(++rows_);
    for (int k = 0; k < kPack; ++k) {
      const float d = x[k] - mean_[k];
      mean_[k] += d * share;
      squares_[k] += d * (x[k] - mean_[k]);
    }
  }
  // Stores columns col .. col + kPack - 1 of the pooled rows [B, dap_cols] of `sample`; rows have `cols` columns.
  POLYSCENE_DEVICE void store_pooled(DapKind kind, float eps, const simt::Global<float>& pooled, int64_t sample,
                                     int64_t cols, int64_t col) const {
    const float scale = 1.0f / static_cast<float>(simt::maximum<int64_t>(rows_, 1));
    simt::Pack<float, kPack> second;
    for (int k = 0; k < kPack; ++k) {
      const float variance = squares_[k] * scale;
      second[k] = kind == DapKind::kMeanStd ? std::sqrt(variance + eps) : variance;
    }
    const int64_t at = sample * (kind == DapKind::kMean ? cols : 2 * cols) + col;
    pooled.template store_pack<kPack>(at, mean_);
    if (kind != DapKind::kMean) pooled.template store_pack<kPack>(at + cols, second);
  }

 private:
  simt::Pack<float, kPack> mean_{}, squares_{};  // mean of the rows so far; sum of their squared distances from it
  int64_t rows_ = 0;
};

// Pools the rows of each sample.
template <int kPack>
struct PoolRows {
  MaybeGathered x;
  simt::Global<const int32_t> offsets;
  simt::Global<float> y;
  int64_t batch, cols;
  DapKind kind;
  float eps;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, batch, cols, [&](int64_t sample, int64_t first, int64_t rows, int64_t col) {
      Moments<kPack> moments;
      for (int64_t row = first; row < first + rows; ++row) moments.add(x.template load<kPack>(row, cols, col));
      moments.store_pooled(kind, eps, y, sample, cols, col);
    });
  }
};

// The gradient of a row x is base + slope (x - mean), see dap.h.
template <int kPack>
struct Factors {
  simt::Pack<float, kPack> base, slope, mean;
  [[nodiscard]] POLYSCENE_DEVICE float gradient(int k, float x) const { return base[k] + slope[k] * (x - mean[k]); }
};

struct DevicePooledGradient {
  simt::Global<const float> y, dy;
  DapKind kind;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE Factors<kPack> factors(int64_t sample, int64_t rows, int64_t cols, int64_t col) const {
    const int64_t mu = sample * (kind == DapKind::kMean ? cols : 2 * cols) + col;
    const float scale = 1.0f / static_cast<float>(simt::maximum<int64_t>(rows, 1));
    Factors<kPack> f{dy.template load_pack<kPack>(mu), {}, y.template load_pack<kPack>(mu)};
    for (int k = 0; k < kPack; ++k) f.base[k] *= scale;
    if (kind == DapKind::kMean) return f;
    f.slope = dy.template load_pack<kPack>(mu + cols);
    const auto second = y.template load_pack<kPack>(mu + cols);
    for (int k = 0; k < kPack; ++k) f.slope[k] *= kind == DapKind::kMeanStd ? scale / second[k] : 2 * scale;
    return f;
  }
};

template <int kPack>
struct PackPair {
  simt::Pack<float, kPack> first, second;
};

// A matrix that may be absent: then every load returns zeros, and `data` may be any other matrix.
template <class T>
struct Maybe {
  simt::Global<T> data;
  bool present;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> load(int64_t i) const {
    simt::Pack<float, kPack> pack{};
    if (present) pack = data.template load_pack<kPack>(i);
    return pack;
  }
};

// g = the gradient that pooling passes to the rows y, plus the gradient from their other use; also the sums of g over
// the rows of each sample.
template <int kPack>
struct RowsGradient {
  DevicePooledGradient pooled;
  simt::Global<const float> y;
  Maybe<const float> other;
  simt::Global<const int32_t> offsets;
  simt::Global<float> g;
  Maybe<float> sums;
  int64_t batch, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    for_segments<kPack>(t, offsets, batch, cols, [&](int64_t sample, int64_t first, int64_t rows, int64_t col) {
      const auto f = pooled.template factors<kPack>(sample, rows, cols, col);
      simt::Pack<float, kPack> sum{};
      const auto load = [&](int64_t row) {
        const int64_t at = row * cols + col;
        return PackPair<kPack>{y.template load_pack<kPack>(at), other.template load<kPack>(at)};
      };
      for_rows(first, rows, load, [&](int64_t row, PackPair<kPack> x) {
        for (int k = 0; k < kPack; ++k) sum[k] += x.first[k] = f.gradient(k, x.first[k]) + x.second[k];
        g.template store_pack<kPack>(row * cols + col, x.first);
      });
      if (sums.present) sums.data.template store_pack<kPack>(sample * cols + col, sum);
    });
  }
};

}  // namespace polyscene::ops
