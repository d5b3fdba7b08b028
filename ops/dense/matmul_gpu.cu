#include "ops/dense/device_product.h"
#include "ops/dense/matmul.h"

namespace polyscene::ops {

void matmul_gpu(const KernelContext& context) {
  const auto& [ta, tb] = context.attributes.as<MatmulAttributes>();
  const Shape &a = context.inputs[0].shape, &b = context.inputs[1].shape, &y = context.outputs[0].shape;
  device_product(context, {.transpose_a = ta,
                           .transpose_b = tb,
                           .rows = y[0],
                           .inner = a[ta ? 0 : 1],
                           .cols = y[1],
                           .a = context.inputs[0].as<const float>(),
                           .a_stride = a[1],
                           .b = context.inputs[1].as<const float>(),
                           .b_stride = b[1],
                           .y = context.outputs[0].as<float>()});
}

}  // namespace polyscene::ops
