#include "ops/dense/constant.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

struct Fill {
  simt::Global<float> y;
  int64_t count;
  float value;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, count, [&](int64_t i) { y.store(i, value); });
  }
};

}  // namespace

void constant_gpu(const KernelContext& context) {
  const int64_t count = context.outputs[0].shape.elements();
  const auto value = static_cast<float>(context.attributes.as<ConstantAttributes>().value);
  simt::launch(context.stream, "constant", simt::shape_for(count), Fill{simt::output<float>(context, 0), count, value});
}

}  // namespace polyscene::ops
