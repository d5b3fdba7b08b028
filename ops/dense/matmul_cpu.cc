#include <algorithm>

#include "ops/dense/matmul.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {

void matmul_cpu(const KernelContext& context) {
  const auto& t = context.attributes.as<MatmulAttributes>();
  const Shape &a = context.inputs[0].shape, &b = context.inputs[1].shape, &y = context.outputs[0].shape;
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    std::ranges::fill(context.outputs[0].elements<T>(), T{0});
    plain_product<T>(strided(context.inputs[0].as<const T>(), a[1], t.transpose_a),
                     strided(context.inputs[1].as<const T>(), b[1], t.transpose_b),
                     strided(context.outputs[0].as<T>(), y[1]), y[0], a[t.transpose_a ? 0 : 1], y[1]);
  });
}

}  // namespace polyscene::ops
