#include "ops/dense/elementwise.h"
#include "ops/dense/fixed_cols.h"
#include "ops/dense/slice_cols.h"

namespace polyscene::ops {

void slice_cols_cpu(const KernelContext& context) {
  const TensorView& out = context.outputs[0];
  const int64_t first = context.attributes.as<SliceColsAttributes>().begin;
  const int64_t from_cols = context.inputs[0].shape.cols(), cols = out.shape.cols();
  dispatch_floating(out.dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>() + first;
    T* y = out.as<T>();
    parallel_for(out.shape.rows(), row_grain(cols), [=](int64_t begin, int64_t end) {
      copy_rows(y + begin * cols, cols, x + begin * from_cols, from_cols, end - begin, cols);
    });
  });
}

}  // namespace polyscene::ops
