#include "ops/base/thread.h"
#include "ops/dense/activation_math.h"
#include "ops/loss/bce_with_logits_gradient.h"

namespace polyscene::ops {

void bce_with_logits_gradient_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T factor = *context.inputs[0].as<const T>() * *context.inputs[3].as<const T>();
    const T* logit = context.inputs[1].as<const T>();
    const T* label = context.inputs[2].as<const T>();
    T* dlogit = context.outputs[0].as<T>();
    parallel_for(context.outputs[0].shape[0], 4096, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) dlogit[i] = label[i] < 0 ? T{0} : factor * (sigmoid(logit[i]) - label[i]);
    });
  });
}

}  // namespace polyscene::ops
