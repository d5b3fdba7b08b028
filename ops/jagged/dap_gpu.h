// Pooling the rows of a sample and its gradient, one thread per pack of columns: what dap and residual tailoring share.
#pragma once

#include <cmath>

#include "ops/jagged/dap.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// Two moments in one read: sums of x - x_0 and of its square, x_0 the sample's first row. That shift is what keeps the
// difference of the two from losing its digits: x_0 is within the spread of the rows, or makes the spread itself.
template <int kPack>
class Moments {
 public:
  POLYSCENE_DEVICE void add(const simt::Pack<float, kPack>& x) {
    if (rows_++ == 0) {
      shift_ = x;
      return;
    }
    for (int k = 0; k < kPack; ++k) {
      const float d = x[k] - shift_[k];
      sum_[k] += d;
      square_[k] += d * d;
    }
  }
  // Columns col .. col + kPack - 1 of the pooled rows [B, dap_cols] of `sample`, whose rows have `cols` columns.
  POLYSCENE_DEVICE void store_pooled(DapKind kind, float eps, const simt::Global<float>& pooled, int64_t sample,
                                     int64_t cols, int64_t col) const {
    const float scale = 1.0f / static_cast<float>(simt::maximum<int64_t>(rows_, 1));
    simt::Pack<float, kPack> mean, second;
    for (int k = 0; k < kPack; ++k) {
      const float d = sum_[k] * scale, variance = simt::maximum(square_[k] * scale - d * d, 0.0f);
      mean[k] = shift_[k] + d;
      second[k] = kind == DapKind::kMeanStd ? std::sqrt(variance + eps) : variance;
    }
    const int64_t at = sample * (kind == DapKind::kMean ? cols : 2 * cols) + col;
    pooled.template store_pack<kPack>(at, mean);
    if (kind != DapKind::kMean) pooled.template store_pack<kPack>(at + cols, second);
  }

 private:
  simt::Pack<float, kPack> shift_{}, sum_{}, square_{};
  int64_t rows_ = 0;
};

// The gradient of a row x is base + slope (x - mean), see dap.h.
template <int kPack>
struct Factors {
  simt::Pack<float, kPack> base, slope, mean;
};

struct PooledGradient {
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

}  // namespace polyscene::ops
