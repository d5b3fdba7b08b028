#include "ops/dense/elementwise.h"
#include "ops/dense/fixed_cols.h"
#include "ops/dense/pad_cols.h"

namespace polyscene::ops {

void pad_cols_cpu(const KernelContext& context) {
  const TensorView& out = context.outputs[0];
  const auto [before, after] = context.attributes.as<PadColsAttributes>();
  const int64_t to_cols = out.shape.cols(), cols = to_cols - before - after;
  dispatch_floating(out.dtype, [&, first = before]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = out.as<T>();
    parallel_for(out.shape.rows(), row_grain(to_cols), [=](int64_t begin, int64_t end) {
      std::fill(y + begin * to_cols, y + end * to_cols, T{0});
      copy_rows(y + begin * to_cols + first, to_cols, x + begin * cols, cols, end - begin, cols);
    });
  });
}

}  // namespace polyscene::ops
