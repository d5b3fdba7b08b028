// Matrix products on a device with its library (device_products_cuda.cc); the emulated build computes them on the CPU.
#pragma once

#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// y [rows, cols] = op(a) op(b) + c + bias, then optionally relu; row-major, with row strides of a and b in elements.
// op(a) [rows, inner] and op(b) [inner, cols] transpose if asked. inner = 0 allows neither bias nor relu.
struct DeviceProduct {
  bool transpose_a = false, transpose_b = false;
  bool relu = false;  // applied to the whole sum
  int64_t rows = 0, inner = 0, cols = 0;
  const float* a = nullptr;
  int64_t a_stride = 0;
  const float* b = nullptr;
  int64_t b_stride = 0;
  const float* c = nullptr;     // [rows, cols], nullptr for none; may be y itself, to add to its contents
  const float* bias = nullptr;  // [cols], added to every row; nullptr for none
  float* y = nullptr;
};

// Honours the context's precision. Throws DeviceError naming the library's status if the library is missing or fails.
void device_product(const KernelContext& context, const DeviceProduct& product);

}  // namespace polyscene::ops
