// Stand-in for a device's library of matrix products, as plain loops on the CPU.
#include "ops/dense/device_product.h"

#include <algorithm>

#include "ops/simd/plain_product.h"
#include "tests/support/emulator/recording.h"

namespace polyscene::ops {

namespace {

void multiply(const DeviceProduct& p) {
  if (p.c == nullptr) std::fill_n(p.y, p.rows * p.cols, 0.0f);
  if (p.c != nullptr && p.c != p.y) std::copy_n(p.c, p.rows * p.cols, p.y);
  const auto side = [](const float* data, int64_t stride, bool transpose) {
    return transpose ? Strided<const float>{data, 1, stride} : Strided<const float>{data, stride, 1};
  };
  plain_product<float>(side(p.a, p.a_stride, p.transpose_a), side(p.b, p.b_stride, p.transpose_b), {p.y, p.cols, 1},
                       p.rows, p.inner, p.cols);
  for (int64_t i = 0; i < p.rows * p.cols; ++i) {
    if (p.bias != nullptr) p.y[i] += p.bias[i % p.cols];
    if (p.relu) p.y[i] = std::max(p.y[i], 0.0f);
  }
}

}  // namespace

void device_product(const KernelContext& /*context*/, const DeviceProduct& p) {
  simt::do_or_record([p] { multiply(p); });
}

}  // namespace polyscene::ops
