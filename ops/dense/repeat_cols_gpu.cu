#include "ops/dense/repeat_cols.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

struct RepeatCols {
  simt::Global<const float> x;
  simt::Global<float> y;
  int64_t count, times;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { y.store(i, x.load(i / times)); });
  }
};

}  // namespace

void repeat_cols_gpu(const KernelContext& context) {
  const int64_t count = context.outputs[0].shape.elements();
  simt::launch(context.stream, "repeat_cols", simt::shape_for(count),
               RepeatCols{simt::input<float>(context, 0), simt::output<float>(context, 0), count,
                          context.attributes.as<RepeatColsAttributes>().times});
}

}  // namespace polyscene::ops
