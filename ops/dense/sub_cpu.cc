#include "ops/dense/elementwise.h"
#include "ops/dense/sub.h"

namespace polyscene::ops {

void sub_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* a = context.inputs[0].as<T>();
    const T* b = context.inputs[1].as<T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(context.outputs[0].shape.elements(), kElementGrain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = a[i] - b[i];
    });
  });
}

}  // namespace polyscene::ops
