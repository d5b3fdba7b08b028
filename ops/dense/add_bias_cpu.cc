#include "ops/dense/add_bias.h"
#include "ops/dense/elementwise.h"

namespace polyscene::ops {

void add_bias_cpu(const KernelContext& context) {
  const int64_t rows = context.outputs[0].shape[0], cols = context.outputs[0].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    const T* b = context.inputs[1].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(rows, row_grain(cols), [=](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t c = 0; c < cols; ++c) y[r * cols + c] = x[r * cols + c] + b[c];
    });
  });
}

}  // namespace polyscene::ops
