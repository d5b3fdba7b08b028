// Matrix products on a device, by its library (device_product_cuda.cc); in the emulated build by the CPU.
#pragma once

#include "ops/graph/op.h"

namespace polyscene::ops {

// y [rows, cols] = op(a) op(b), or += where `add`; row-major, with strides in elements from row to row. op(a)
// [rows, inner] and op(b) [inner, cols] transpose if asked. inner = 0 gives zeros. Honours the context's bf16_matmul.
struct DeviceProduct {
  bool transpose_a = false, transpose_b = false, add = false;
  int64_t rows = 0, inner = 0, cols = 0;
  const float* a = nullptr;
  int64_t a_stride = 0;
  const float* b = nullptr;
  int64_t b_stride = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
};

// Throws DeviceError naming the library's status.
void device_product(const KernelContext& context, const DeviceProduct& product);

}  // namespace polyscene::ops
