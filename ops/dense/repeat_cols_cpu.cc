#include "ops/dense/elementwise.h"
#include "ops/dense/fixed_cols.h"
#include "ops/dense/repeat_cols.h"

namespace polyscene::ops {

void repeat_cols_cpu(const KernelContext& context) {
  const int64_t times = context.attributes.as<RepeatColsAttributes>().times;
  const int64_t groups = context.inputs[0].shape.elements();  // groups of all rows
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(groups, row_grain(times), [=](int64_t begin, int64_t end) {
      with_fixed_cols(times, [=](auto width) {
        for (int64_t g = begin; g < end; ++g)
          for (int64_t k = 0; k < width; ++k) y[g * width + k] = x[g];
      });
    });
  });
}

}  // namespace polyscene::ops
