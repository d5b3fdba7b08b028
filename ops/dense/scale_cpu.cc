#include "ops/dense/elementwise.h"
#include "ops/dense/scale.h"

namespace polyscene::ops {

void scale_cpu(const KernelContext& context) {
  const auto& attributes = context.attributes.as<ScaleAttributes>();
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T factor = static_cast<T>(attributes.factor);
    const T offset = static_cast<T>(attributes.offset);
    const T* x = context.inputs[0].as<T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(context.outputs[0].shape.elements(), kElementGrain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = factor * x[i] + offset;
    });
  });
}

}  // namespace polyscene::ops
