#include "ops/jagged/scatter_add_rows.h"
#include "ops/jagged/sum_sources_gpu.h"

namespace polyscene::ops {

void scatter_add_rows_gpu(const KernelContext& context) {
  const Shape& out = context.outputs[0].shape;
  sum_sources(context, "scatter_add_rows", invert_index(context, 1, out[0]),
              SourceRows{simt::input<float>(context, 0), out[1]}, simt::output<float>(context, 0), out[1]);
}

}  // namespace polyscene::ops
