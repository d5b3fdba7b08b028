#include "ops/dense/concat.h"
#include "ops/dense/elementwise.h"
#include "ops/dense/fixed_cols.h"

namespace polyscene::ops {

void concat_cpu(const KernelContext& context) {
  const TensorView& out = context.outputs[0];
  dispatch_floating(out.dtype, [&]<class T>() {
    const int64_t cols = out.shape.cols();
    parallel_for(out.shape.rows(), row_grain(cols), [&](int64_t begin, int64_t end) {
      T* to = out.as<T>() + begin * cols;
      for (const TensorView& part : context.inputs) {
        const int64_t width = part.shape.cols();
        copy_rows(to, cols, part.as<const T>() + begin * width, width, end - begin, width);
        to += width;
      }
    });
  });
}

}  // namespace polyscene::ops
