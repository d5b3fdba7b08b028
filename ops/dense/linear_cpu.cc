#include <algorithm>
#include <cmath>

#include "ops/dense/linear.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {
namespace {

template <class T>
T activate(T z, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return z;
    case Activation::kRelu:
      return std::max(z, T{0});
    case Activation::kSigmoid:
      return T{1} / (T{1} + std::exp(-z));
    case Activation::kTanh:
      return std::tanh(z);
  }
  return z;
}

}  // namespace

void linear_cpu(const KernelContext& context) {
  const Activation activation = context.attributes.as<LinearAttributes>().activation;
  const int64_t rows = context.outputs[0].shape[0], cols = context.outputs[0].shape[1];
  const int64_t inner = context.inputs[0].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    T* y = context.outputs[0].as<T>();
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; ++j)
        y[i * cols + j] = context.inputs.size() == 3 ? context.inputs[2].as<const T>()[j] : T{0};
    plain_product<T>(strided(context.inputs[0].as<const T>(), inner), strided(context.inputs[1].as<const T>(), cols),
                     strided(y, cols), rows, inner, cols);
    for (T& z : context.outputs[0].elements<T>()) z = activate(z, activation);
  });
}

}  // namespace polyscene::ops
