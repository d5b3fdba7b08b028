#include "ops/dense/device_product.h"
#include "ops/dense/linear_gradient.h"

namespace polyscene::ops {

void linear_input_gradient_gpu(const KernelContext& c) {
  const Shape &dx = c.outputs[0].shape, &dz = c.inputs[0].shape;
  const int64_t begin = c.attributes.as<LinearInputGradientAttributes>().begin;
  device_product(c, {.transpose_b = true,
                     .rows = dx[0],
                     .inner = dz[1],
                     .cols = dx[1],
                     .a = c.inputs[0].as<const float>(),
                     .a_stride = dz[1],
                     .b = c.inputs[1].as<const float>() + begin * dz[1],
                     .b_stride = dz[1],
                     .y = c.outputs[0].as<float>()});
}

void linear_weight_gradient_gpu(const KernelContext& c) {
  const Shape& dz = c.inputs.back().shape;
  auto* dw = c.outputs[0].as<float>();
  for (const TensorView& x : c.inputs.first(c.inputs.size() - 1)) {
    device_product(c, {.transpose_a = true,
                       .rows = x.shape[1],
                       .inner = dz[0],
                       .cols = dz[1],
                       .a = x.as<const float>(),
                       .a_stride = x.shape[1],
                       .b = c.inputs.back().as<const float>(),
                       .b_stride = dz[1],
                       .y = dw});
    dw += x.shape[1] * dz[1];
  }
}

}  // namespace polyscene::ops
