#include "ops/dense/activation_gpu.h"
#include "ops/loss/bce_with_logits_gradient.h"
#include "ops/simt/tensor_views.h"

namespace polyscene::ops {
namespace {

struct BceGradient {
  simt::Global<const float> dloss, logit, label, weight;
  simt::Global<float> dlogit;
  int64_t batch;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const float factor = dloss.load(0) * weight.load(0);
    simt::for_each(t, batch, [&](int64_t i) {
      const float y = label.load(i);
      dlogit.store(i, y < 0 ? 0.0f : factor * (device_sigmoid(logit.load(i)) - y));
    });
  }
};

}  // namespace

void bce_with_logits_gradient_gpu(const KernelContext& context) {
  const int64_t batch = context.outputs[0].shape[0];
  simt::launch(
      context.stream, "bce_with_logits_gradient", simt::shape_for(batch),
      BceGradient{simt::input<float>(context, 0), simt::input<float>(context, 1), simt::input<float>(context, 2),
                  simt::input<float>(context, 3), simt::output<float>(context, 0), batch});
}

}  // namespace polyscene::ops
