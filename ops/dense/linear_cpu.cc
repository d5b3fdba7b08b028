#include <algorithm>

#include "ops/dense/activation_math.h"
#include "ops/dense/linear.h"
#include "ops/dense/matmul_tiles.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {
namespace {

template <class T>
const T* bias_of(const KernelContext& c) {
  return c.inputs.size() == 3 ? c.inputs[2].as<const T>() : nullptr;
}

// y = activation(y + bias) on a tile of y [.., cols]; bias nullptr for none.
template <Activation kActivation, class T>
void finish_tile(const Tile& t, int64_t cols, const T* bias, T* y) {
  for (int64_t i = t.row; i < t.row_end; ++i) {
    T* row = y + i * cols;
    for (int64_t j = t.col; j < t.col_end; ++j)
      row[j] = activated<kActivation>(bias == nullptr ? row[j] : row[j] + bias[j]);
  }
}

template <Activation kActivation>
void plain_linear(const KernelContext& c) {
  const int64_t rows = c.outputs[0].shape[0], cols = c.outputs[0].shape[1], inner = c.inputs[0].shape[1];
  double* y = c.outputs[0].as<double>();
  std::fill_n(y, rows * cols, 0.0);
  plain_product<double>(strided(c.inputs[0].as<const double>(), inner), strided(c.inputs[1].as<const double>(), cols),
                        strided(y, cols), rows, inner, cols);
  finish_tile<kActivation>({0, rows, 0, cols}, cols, bias_of<double>(c), y);
}

template <Activation kActivation>
void fast_linear(const KernelContext& c) {
  const int64_t rows = c.outputs[0].shape[0], cols = c.outputs[0].shape[1];
  const float* bias = bias_of<float>(c);
  float* y = c.outputs[0].as<float>();
  tiled_product({.bf16 = c.bf16_matmul,
                 .rows = rows,
                 .inner = c.inputs[0].shape[1],
                 .cols = cols,
                 .a = c.inputs[0].as<const float>(),
                 .b = c.inputs[1].as<const float>(),
                 .y = y},
                c.scratch, [=](const Tile& t) {
                  if (kActivation != Activation::kNone || bias != nullptr) finish_tile<kActivation>(t, cols, bias, y);
                });
}

}  // namespace

void linear_cpu(const KernelContext& context) {
  dispatch_activation(context.attributes.as<LinearAttributes>().activation, [&]<Activation kActivation>() {
    if (context.outputs[0].dtype == DType::kFloat64) return plain_linear<kActivation>(context);
    fast_linear<kActivation>(context);
  });
}

}  // namespace polyscene::ops
