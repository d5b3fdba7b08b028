#include "ops/dense/activate_gradient.h"
#include "ops/dense/activation_math.h"
#include "ops/dense/elementwise.h"

namespace polyscene::ops {

void activate_gradient_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    dispatch_activation(context.attributes.as<ActivateAttributes>().activation, [&]<Activation kActivation>() {
      const T* y = context.inputs[0].as<T>();
      const T* dy = context.inputs[1].as<T>();
      T* dx = context.outputs[0].as<T>();
      parallel_for(context.outputs[0].shape.elements(), kElementGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) dx[i] = activation_slope<kActivation>(y[i]) * dy[i];
      });
    });
  });
}

}  // namespace polyscene::ops
