#include "ops/dense/column_sum.h"
#include "ops/dense/column_sums_gpu.h"

namespace polyscene::ops {

void column_sum_gpu(const KernelContext& context) {
  const Shape& x = context.inputs[0].shape;
  column_sums(context, "column_sum", Elements{simt::input<float>(context, 0)}, x[0], x[1],
              simt::output<float>(context, 0));
}

}  // namespace polyscene::ops
