#include "ops/dense/linear_gradient.h"
#include "ops/dense/matmul_tiles.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {
namespace {

void plain_input_gradient(const KernelContext& c, int64_t begin) {
  const TensorView& dx = c.outputs[0];
  const int64_t rows = dx.shape[0], cols = dx.shape[1], inner = c.inputs[0].shape[1];
  std::ranges::fill(dx.elements<double>(), 0.0);
  plain_product<double>(strided(c.inputs[0].as<const double>(), inner),
                        strided(c.inputs[1].as<const double>() + begin * inner, inner, true),
                        strided(dx.as<double>(), cols), rows, inner, cols);
}

void plain_weight_gradient(const KernelContext& c) {
  const TensorView &dz = c.inputs.back(), &dw = c.outputs[0];
  const int64_t rows = dz.shape[0], cols = dz.shape[1];
  std::ranges::fill(dw.elements<double>(), 0.0);
  double* to = dw.as<double>();
  for (const TensorView& x : c.inputs.first(c.inputs.size() - 1)) {
    const int64_t width = x.shape[1];
    plain_product<double>(strided(x.as<const double>(), width, true), strided(dz.as<const double>(), cols),
                          strided(to, cols), width, rows, cols);
    to += width * cols;
  }
}

}  // namespace

void linear_input_gradient_cpu(const KernelContext& context) {
  const int64_t begin = context.attributes.as<LinearInputGradientAttributes>().begin;
  const TensorView &dz = context.inputs[0], &dx = context.outputs[0];
  if (dx.dtype == DType::kFloat64) return plain_input_gradient(context, begin);
  tiled_product({.transpose_b = true,
                 .bf16 = context.precision == ProductPrecision::kBfloat16,
                 .rows = dx.shape[0],
                 .inner = dz.shape[1],
                 .cols = dx.shape[1],
                 .a = parts_of(context.inputs, 1),
                 .b = context.inputs[1].as<const float>() + begin * dz.shape[1],
                 .y = dx.as<float>()},
                context.scratch, [](const Tile&) {});
}

void linear_weight_gradient_cpu(const KernelContext& context) {
  const TensorView &dz = context.inputs.back(), &dw = context.outputs[0];
  if (dw.dtype == DType::kFloat64) return plain_weight_gradient(context);
  tiled_product({.transpose_a = true,
                 .bf16 = context.precision == ProductPrecision::kBfloat16,
                 .rows = dw.shape[0],
                 .inner = dz.shape[0],
                 .cols = dz.shape[1],
                 .a = parts_of(context.inputs, context.inputs.size() - 1),
                 .b = dz.as<const float>(),
                 .y = dw.as<float>()},
                context.scratch, [](const Tile&) {});
}

}  // namespace polyscene::ops
