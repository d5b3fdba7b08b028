#include "ops/dense/elementwise.h"
#include "ops/dense/row_sum.h"

namespace polyscene::ops {
namespace {

// Eight running sums, then a fixed tree: this order vectorises and does not depend on the machine.
template <class T>
T sum_row(const T* x, int64_t cols) {
  T lane[8] = {};
  int64_t c = 0;
  for (; c + 8 <= cols; c += 8)
    for (int64_t k = 0; k < 8; ++k) lane[k] += x[c + k];
  for (int64_t k = 0; c + k < cols; ++k) lane[k] += x[c + k];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace

void row_sum_cpu(const KernelContext& context) {
  const int64_t rows = context.inputs[0].shape[0], cols = context.inputs[0].shape[1];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* x = context.inputs[0].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(rows, row_grain(cols), [=](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) y[r] = sum_row(x + r * cols, cols);
    });
  });
}

}  // namespace polyscene::ops
