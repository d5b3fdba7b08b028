#include "ops/dense/scale_rows.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

struct ScaleRows {
  simt::Global<const float> x, s;
  simt::Global<float> y;
  int64_t count, cols;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { y.store(i, x.load(i) * s.load(i / cols)); });
  }
};

}  // namespace

void scale_rows_gpu(const KernelContext& context) {
  const Shape& shape = context.outputs[0].shape;
  simt::launch(context.stream, "scale_rows", simt::shape_for(shape.elements()),
               ScaleRows{simt::input<float>(context, 0), simt::input<float>(context, 1),
                         simt::output<float>(context, 0), shape.elements(), shape[1]});
}

}  // namespace polyscene::ops
