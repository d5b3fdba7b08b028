#include "ops/dense/add_bias.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

template <int kPack>
struct AddBias {
  simt::Global<const float> x, bias;
  simt::Global<float> y;
  int64_t rows, cols;
  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_pack<kPack>(t, rows, cols, [&](int64_t row, int64_t col) {
      auto value = x.template load_pack<kPack>(row * cols + col);
      const auto shift = bias.template load_pack<kPack>(col);
      for (int k = 0; k < kPack; ++k) value[k] += shift[k];
      y.template store_pack<kPack>(row * cols + col, value);
    });
  }
};

}  // namespace

void add_bias_gpu(const KernelContext& context) {
  const Shape& y = context.outputs[0].shape;
  simt::with_pack(y[1], [&](auto pack) {
    simt::launch(context.stream, "add_bias", simt::shape_for_packs(y[0], y[1], pack),
                 AddBias<pack>{simt::input<float>(context, 0), simt::input<float>(context, 1),
                               simt::output<float>(context, 0), y[0], y[1]});
  });
}

}  // namespace polyscene::ops
