#include "ops/dense/activation_backward.h"
#include "ops/dense/activation_gpu.h"
#include "ops/dense/column_sums_gpu.h"

namespace polyscene::ops {
namespace {

// Terms of the column sums that also write dz.
struct ActivationBackward {
  simt::Global<const float> y, dy;
  simt::Global<float> dz;
  Activation activation;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> load(int64_t at) const {
    const auto result = y.template load_pack<kPack>(at);
    auto gradient = dy.template load_pack<kPack>(at);
    for (int k = 0; k < kPack; ++k) gradient[k] = device_backward(activation, result[k], gradient[k]);
    dz.template store_pack<kPack>(at, gradient);
    return gradient;
  }
};

}  // namespace

void activation_backward_gpu(const KernelContext& context) {
  const Shape& y = context.inputs[0].shape;
  const ActivationBackward backward{simt::input<float>(context, 0), simt::input<float>(context, 1),
                                    simt::output<float>(context, 0),
                                    context.attributes.as<ActivationBackwardAttributes>().activation};
  column_sums(context, "activation_backward", backward, y[0], y[1], simt::output<float>(context, 1));
}

}  // namespace polyscene::ops
