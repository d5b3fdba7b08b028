#include <algorithm>

#include "ops/dense/activation_math.h"
#include "ops/dense/linear.h"
#include "ops/dense/matmul_tiles.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {
namespace {

// The inputs by role.
struct Inputs {
  explicit Inputs(const KernelContext& c)
      : parts(c.inputs.size() - (c.inputs.back().shape.rank() == 1 ? 2 : 1)),
        w(c.inputs[parts]),
        bias(parts + 1 < c.inputs.size() ? c.inputs[parts + 1].data : nullptr) {}
  size_t parts;
  const TensorView& w;
  const void* bias;
};

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
  const Inputs in(c);
  const int64_t rows = c.outputs[0].shape[0], cols = c.outputs[0].shape[1];
  double* y = c.outputs[0].as<double>();
  std::fill_n(y, rows * cols, 0.0);
  const double* w = in.w.as<const double>();
  for (const TensorView& x : c.inputs.first(in.parts)) {
    const int64_t inner = x.shape[1];
    plain_product<double>(strided(x.as<const double>(), inner), strided(w, cols), strided(y, cols), rows, inner, cols);
    w += inner * cols;
  }
  finish_tile<kActivation>({0, rows, 0, cols}, cols, static_cast<const double*>(in.bias), y);
}

template <Activation kActivation>
void fast_linear(const KernelContext& c) {
  const Inputs in(c);
  const int64_t rows = c.outputs[0].shape[0], cols = c.outputs[0].shape[1];
  const auto* bias = static_cast<const float*>(in.bias);
  float* y = c.outputs[0].as<float>();
  tiled_product({.bf16 = c.precision == ProductPrecision::kBfloat16,
                 .rows = rows,
                 .inner = in.w.shape[0],
                 .cols = cols,
                 .a = parts_of(c.inputs, in.parts),
                 .b = in.w.as<const float>(),
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
