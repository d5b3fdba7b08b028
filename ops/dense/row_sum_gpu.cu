#include "ops/dense/row_sum.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

// One warp per row.
struct RowSum {
  simt::Global<const float> x;
  simt::Global<float> y;
  int64_t rows, cols;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_by_warps(t, rows, [&](int64_t row) {
      float sum = 0;
      for (int64_t j = t.lane(); j < cols; j += simt::kWarpSize) sum += x.load(row * cols + j);
      sum = simt::warp_sum(t, sum);
      if (t.lane() == 0) y.store(row, sum);
    });
  }
};

}  // namespace

void row_sum_gpu(const KernelContext& context) {
  const Shape& x = context.inputs[0].shape;
  simt::launch(context.stream, "row_sum", simt::shape_for_warps(x[0]),
               RowSum{simt::input<float>(context, 0), simt::output<float>(context, 0), x[0], x[1]});
}

}  // namespace polyscene::ops
