// Matrix products on a device, by its library (device_products_cuda.cc); in the emulated build by the CPU.
#pragma once

#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// y [rows, cols] = op(a) op(b) + c + bias, rectified where asked; row-major, a and b with strides in elements from row
// to row. op(a) [rows, inner] and op(b) [inner, cols] transpose if asked. inner = 0 takes neither bias nor relu.
struct DeviceProduct {
  bool transpose_a = false, transpose_b = false;
  bool relu = false;  // of all that was added up
  int64_t rows = 0, inner = 0, cols = 0;
  const float* a = nullptr;
  int64_t a_stride = 0;
  const float* b = nullptr;
  int64_t b_stride = 0;
  const float* c = nullptr;     // [rows, cols], nullptr for none; y itself adds to what is there
  const float* bias = nullptr;  // [cols], added to every row; nullptr for none
  float* y = nullptr;
};

// Honours the context's precision. Throws DeviceError when the device's library is missing or fails, naming its status.
void device_product(const KernelContext& context, const DeviceProduct& product);

}  // namespace polyscene::ops
