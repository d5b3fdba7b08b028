#include "ops/dense/columns_gpu.h"
#include "ops/dense/slice_cols.h"

namespace polyscene::ops {

void slice_cols_gpu(const KernelContext& context) {
  const Shape& out = context.outputs[0].shape;
  copy_columns(context.stream, "slice_cols",
               {simt::input<float>(context, 0), simt::output<float>(context, 0), out.rows(), out.cols(),
                context.attributes.as<SliceColsAttributes>().begin, context.inputs[0].shape.cols(), 0, out.cols()});
}

}  // namespace polyscene::ops
