#include "ops/dense/constant.h"
#include "ops/dense/elementwise.h"

namespace polyscene::ops {

void constant_cpu(const KernelContext& context) {
  const TensorView& out = context.outputs[0];
  dispatch_floating(out.dtype, [&]<class T>() {
    const T value = static_cast<T>(context.attributes.as<ConstantAttributes>().value);
    T* y = out.as<T>();
    parallel_for(out.shape.elements(), kElementGrain,
                 [=](int64_t begin, int64_t end) { std::fill(y + begin, y + end, value); });
  });
}

}  // namespace polyscene::ops
