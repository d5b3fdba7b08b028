#include "ops/dense/add_bias.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

struct AddBias {
  simt::Global<const float> x, bias;
  simt::Global<float> y;
  int64_t count, cols;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { y.store(i, x.load(i) + bias.load(i % cols)); });
  }
};

}  // namespace

void add_bias_gpu(const KernelContext& context) {
  const Shape& shape = context.outputs[0].shape;
  simt::launch(context.stream, "add_bias", simt::shape_for(shape.elements()),
               AddBias{simt::input<float>(context, 0), simt::input<float>(context, 1), simt::output<float>(context, 0),
                       shape.elements(), shape[1]});
}

}  // namespace polyscene::ops
