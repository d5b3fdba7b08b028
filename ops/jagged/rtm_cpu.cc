#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_plain.h"
#include "ops/jagged/rtm_simd.h"

namespace polyscene::ops {
namespace {

RtmShape shape_of(const KernelContext& c) {
  const Shape &b = c.inputs[0].shape, &wb = c.inputs[3].shape;
  return {b[0], b[1], wb[1], c.inputs[1].shape[0] - 1};
}

// Input `i`, nullptr if there is none.
template <class T>
const T* optional_input(const KernelContext& c, size_t i) {
  return c.inputs.size() > i ? c.inputs[i].as<const T>() : nullptr;
}

template <class T>
PooledGradient<T> pooled_gradient(const KernelContext& c) {
  return {c.attributes.as<DapAttributes>().kind, c.inputs[1].as<const int32_t>(), c.inputs[6].as<const T>(),
          c.inputs[7].as<const T>()};
}

template <class T>
void plain_forward(const KernelContext& c) {
  const RtmShape e = shape_of(c);
  const T *b = c.inputs[0].as<const T>(), *row_bias = c.inputs[2].as<const T>();
  T *y = c.outputs[0].as<T>(), *u = c.outputs[2].as<T>();
  const auto* offsets = c.inputs[1].as<const int32_t>();
  const auto owner = c.scratch.get<int32_t>(e.rows);
  rtm_owners(offsets, e.batch, owner.data());
  for (int64_t i = 0; i < e.rows; ++i) std::copy_n(row_bias + owner[i] * e.hidden, e.hidden, u + i * e.hidden);
  plain_product<T>(strided(b, e.width), strided(c.inputs[3].as<const T>(), e.hidden), strided(u, e.hidden), e.rows,
                   e.width, e.hidden);
  for (T& x : c.outputs[2].elements<T>()) x = std::max(x, T{0});
  plain_residual<T>(
      e, [=](int64_t i) { return b + i * e.width; }, u, c.inputs[4].as<const T>(), c.inputs[5].as<const T>(), y);
  pool_samples<T>(c.attributes.as<DapAttributes>(), offsets, 0, e.batch, y, e.width, c.outputs[1].as<T>());
}

template <class T>
void plain_backward(const KernelContext& c) {
  const RtmShape e = shape_of(c);
  const T *b = c.inputs[0].as<const T>(), *wb = c.inputs[3].as<const T>();
  for (const TensorView& out : c.outputs) std::ranges::fill(out.elements<T>(), T{0});
  T* g = c.scratch.get<T>(e.rows * e.width).data();
  pooled_rows_gradient<T>(pooled_gradient<T>(c), 0, e.batch, c.inputs[5].as<const T>(), e.width,
                          optional_input<T>(c, 8), g);
  const auto q = c.scratch.get<T>(e.rows * e.hidden);
  plain_tail_backward<T>(e, c.inputs[1].as<const int32_t>(), c.inputs[2].as<const T>(), c.inputs[4].as<const T>(), g,
                         optional_input<T>(c, 9), q.data(), c.outputs[3].as<T>(), c.outputs[4].as<T>(),
                         c.outputs[1].as<T>());
  T* db = c.outputs[0].as<T>();
  std::copy_n(g, e.rows * e.width, db);
  const T* rows = q.data();
  plain_product<T>(strided(rows, e.hidden), strided(wb, e.hidden, true), strided(db, e.width), e.rows, e.hidden,
                   e.width);
  plain_product<T>(strided(b, e.width, true), strided(rows, e.hidden), strided(c.outputs[2].as<T>(), e.hidden), e.width,
                   e.rows, e.hidden);
}

void fast_forward(const KernelContext& c) {
  rtm_forward_simd({.shape = shape_of(c),
                    .cells = c.precision == ProductPrecision::kBfloat16 ? Cells::kBfloat16 : Cells::kFloat32,
                    .offsets = c.inputs[1].as<const int32_t>(),
                    .b = c.inputs[0].as<const float>(),
                    .row_bias = c.inputs[2].as<const float>(),
                    .wb = c.inputs[3].as<const float>(),
                    .wo = c.inputs[4].as<const float>(),
                    .co = c.inputs[5].as<const float>(),
                    .pooling = c.attributes.as<DapAttributes>(),
                    .y = c.outputs[0].as<float>(),
                    .pooled = c.outputs[1].as<float>(),
                    .u = c.outputs[2].as<float>()},
                   c.scratch);
}

void fast_backward(const KernelContext& c) {
  rtm_backward_simd({.shape = shape_of(c),
                     .cells = c.precision == ProductPrecision::kBfloat16 ? Cells::kBfloat16 : Cells::kFloat32,
                     .offsets = c.inputs[1].as<const int32_t>(),
                     .b = c.inputs[0].as<const float>(),
                     .u = c.inputs[2].as<const float>(),
                     .wb = c.inputs[3].as<const float>(),
                     .wo = c.inputs[4].as<const float>(),
                     .y = c.inputs[5].as<const float>(),
                     .pooled = pooled_gradient<float>(c),
                     .gy = optional_input<float>(c, 8),
                     .gu = optional_input<float>(c, 9),
                     .db = c.outputs[0].as<float>(),
                     .drow_bias = c.outputs[1].as<float>(),
                     .dwb = c.outputs[2].as<float>(),
                     .dwo = c.outputs[3].as<float>(),
                     .dco = c.outputs[4].as<float>()},
                    c.scratch);
}

}  // namespace

void rtm_cpu(const KernelContext& context) {
  if (context.outputs[0].dtype == DType::kFloat32) return fast_forward(context);
  plain_forward<double>(context);
}

void rtm_backward_cpu(const KernelContext& context) {
  if (context.outputs[0].dtype == DType::kFloat32) return fast_backward(context);
  plain_backward<double>(context);
}

}  // namespace polyscene::ops
