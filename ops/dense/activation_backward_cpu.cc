#include <algorithm>

#include "ops/base/thread.h"
#include "ops/dense/activation_backward.h"
#include "ops/dense/activation_math.h"

namespace polyscene::ops {
namespace {

// dy times the derivative at output y. For relu it is a select, not a product, because the compiler vectorises that.
template <Activation kActivation, class T>
T before_activation(T y, T dy) {
  if constexpr (kActivation == Activation::kRelu) return y > T{0} ? dy : T{0};
  return dy * activation_slope<kActivation>(y);
}

// Computes dz of `rows` rows and adds its column sums to sum [cols].
template <Activation kActivation, class T>
void backward_rows(const T* __restrict y, const T* __restrict dy, int64_t rows, int64_t cols, T* __restrict dz,
                   T* __restrict sum) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      const T value = before_activation<kActivation>(y[i * cols + j], dy[i * cols + j]);
      dz[i * cols + j] = value;
      sum[j] += value;
    }
}

// Rows are cut into at most 64 chunks, each with its own column sums; these are then added in order.
template <Activation kActivation, class T>
void backward(const KernelContext& c) {
  const int64_t rows = c.outputs[0].shape[0], cols = c.outputs[0].shape[1];
  const int64_t chunk = std::max<int64_t>(64, (rows + 63) / 64), chunks = (rows + chunk - 1) / chunk;
  const T *y = c.inputs[0].as<const T>(), *dy = c.inputs[1].as<const T>();
  T *dz = c.outputs[0].as<T>(), *dbias = c.outputs[1].as<T>(), *sums = c.scratch.get<T>(chunks * cols).data();
  parallel_for(rows, chunk, [=](int64_t begin, int64_t end) {
    T* sum = sums + begin / chunk * cols;
    std::fill_n(sum, cols, T{0});
    const int64_t at = begin * cols;
    backward_rows<kActivation>(y + at, dy + at, end - begin, cols, dz + at, sum);
  });
  std::fill_n(dbias, cols, T{0});
  for (int64_t k = 0; k < chunks; ++k)
    for (int64_t j = 0; j < cols; ++j) dbias[j] += sums[k * cols + j];
}

}  // namespace

void activation_backward_cpu(const KernelContext& context) {
  const Activation activation = context.attributes.as<ActivationBackwardAttributes>().activation;
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    dispatch_activation(activation, [&]<Activation kActivation>() { backward<kActivation, T>(context); });
  });
}

}  // namespace polyscene::ops
