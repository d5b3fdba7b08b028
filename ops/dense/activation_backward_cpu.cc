#include <algorithm>

#include "ops/dense/activation_backward.h"

namespace polyscene::ops {
namespace {

// Derivative of the activation at z in terms of y = activation(z).
template <class T>
T slope(T y, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return T{1};
    case Activation::kRelu:
      return y > T{0} ? T{1} : T{0};
    case Activation::kSigmoid:
      return y * (T{1} - y);
    case Activation::kTanh:
      return T{1} - y * y;
  }
  return T{1};
}

}  // namespace

void activation_backward_cpu(const KernelContext& context) {
  const Activation activation = context.attributes.as<ActivationBackwardAttributes>().activation;
  const int64_t rows = context.outputs[0].shape[0], cols = context.outputs[0].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T *y = context.inputs[0].as<const T>(), *dy = context.inputs[1].as<const T>();
    T *dz = context.outputs[0].as<T>(), *dbias = context.outputs[1].as<T>();
    std::fill_n(dbias, cols, T{0});
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j) {
        const int64_t at = i * cols + j;
        dz[at] = dy[at] * slope(y[at], activation);
        dbias[j] += dz[at];
      }
  });
}

}  // namespace polyscene::ops
