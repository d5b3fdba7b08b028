#include <algorithm>

#include "ops/dense/matmul.h"
#include "ops/dense/matmul_tiles.h"
#include "ops/simd/plain_product.h"

namespace polyscene::ops {
namespace {

void plain_matmul(const KernelContext& context) {
  const auto& [ta, tb] = context.attributes.as<MatmulAttributes>();
  const Shape &a = context.inputs[0].shape, &b = context.inputs[1].shape, &y = context.outputs[0].shape;
  std::ranges::fill(context.outputs[0].elements<double>(), 0.0);
  plain_product<double>(strided(context.inputs[0].as<const double>(), a[1], ta),
                        strided(context.inputs[1].as<const double>(), b[1], tb),
                        strided(context.outputs[0].as<double>(), y[1]), y[0], a[ta ? 0 : 1], y[1]);
}

}  // namespace

void matmul_cpu(const KernelContext& context) {
  if (context.outputs[0].dtype == DType::kFloat64) return plain_matmul(context);
  const auto& [ta, tb] = context.attributes.as<MatmulAttributes>();
  const Shape &a = context.inputs[0].shape, &y = context.outputs[0].shape;
  tiled_product({.transpose_a = ta,
                 .transpose_b = tb,
                 .bf16 = context.precision == ProductPrecision::kBfloat16,
                 .rows = y[0],
                 .inner = a[ta ? 0 : 1],
                 .cols = y[1],
                 .a = parts_of(context.inputs, 1),
                 .b = context.inputs[1].as<const float>(),
                 .y = context.outputs[0].as<float>()},
                context.scratch, [](const Tile&) {});
}

}  // namespace polyscene::ops
