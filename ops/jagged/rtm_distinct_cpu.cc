#include "ops/jagged/rtm_distinct.h"
#include "ops/jagged/rtm_distinct_simd.h"
#include "ops/jagged/rtm_plain.h"

namespace polyscene::ops {
namespace {

RtmShape forward_shape(const KernelContext& c) {
  const Shape& wo = c.inputs[5].shape;
  return {c.inputs[2].shape[0], wo[1], wo[0], c.inputs[4].shape[0]};
}

RtmShape backward_shape(const KernelContext& c) {
  const Shape& wo = c.inputs[4].shape;
  return {c.inputs[1].shape[0], wo[1], wo[0], c.inputs[3].shape[0]};
}

template <class T>
PooledGradient<T> pooled_gradient(const KernelContext& c) {
  return {c.attributes.as<DapAttributes>().kind, c.inputs[2].as<const int32_t>(), c.inputs[6].as<const T>(),
          c.inputs[7].as<const T>()};
}

// The gradient of the rows themselves; nullptr if only their pooling is used.
template <class T>
const T* rows_gradient(const KernelContext& c) {
  return c.inputs.size() > 8 ? c.inputs[8].as<const T>() : nullptr;
}

// u = relu(projected[index] + row_bias[owner]).
template <class T>
std::span<T> plain_hidden(const RtmShape& e, const KernelContext& c, const T* projected, const int32_t* index,
                          const int32_t* offsets, const T* row_bias) {
  const auto owner = c.scratch.get<int32_t>(e.rows);
  rtm_owners(offsets, e.batch, owner.data());
  const auto u = c.scratch.get<T>(e.rows * e.hidden);
  for (int64_t i = 0; i < e.rows; ++i)
    for (int64_t j = 0; j < e.hidden; ++j)
      u[i * e.hidden + j] = std::max(projected[index[i] * e.hidden + j] + row_bias[owner[i] * e.hidden + j], T{0});
  return u;
}

template <class T>
void plain_forward(const KernelContext& c) {
  const RtmShape e = forward_shape(c);
  const T* distinct = c.inputs[0].as<const T>();
  const auto *index = c.inputs[2].as<const int32_t>(), *offsets = c.inputs[3].as<const int32_t>();
  const auto u = plain_hidden<T>(e, c, c.inputs[1].as<const T>(), index, offsets, c.inputs[4].as<const T>());
  plain_residual<T>(
      e, [=](int64_t i) { return distinct + index[i] * e.width; }, u.data(), c.inputs[5].as<const T>(),
      c.inputs[6].as<const T>(), c.outputs[0].as<T>());
  pool_samples<T>(c.attributes.as<DapAttributes>(), offsets, 0, e.batch, c.outputs[0].as<T>(), e.width,
                  c.outputs[1].as<T>());
}

template <class T>
void plain_backward(const KernelContext& c) {
  const RtmShape e = backward_shape(c);
  const auto *index = c.inputs[1].as<const int32_t>(), *offsets = c.inputs[2].as<const int32_t>();
  T* g = c.scratch.get<T>(e.rows * e.width).data();
  pooled_rows_gradient<T>(pooled_gradient<T>(c), 0, e.batch, c.inputs[5].as<const T>(), e.width, rows_gradient<T>(c),
                          g);
  for (const TensorView& out : c.outputs) std::ranges::fill(out.elements<T>(), T{0});
  const auto u = plain_hidden<T>(e, c, c.inputs[0].as<const T>(), index, offsets, c.inputs[3].as<const T>());
  const auto q = c.scratch.get<T>(e.rows * e.hidden);
  plain_tail_backward<T>(e, offsets, u.data(), c.inputs[4].as<const T>(), g, nullptr, q.data(), c.outputs[3].as<T>(),
                         c.outputs[4].as<T>(), c.outputs[2].as<T>());
  T *ddistinct = c.outputs[0].as<T>(), *dprojected = c.outputs[1].as<T>();
  for (int64_t i = 0; i < e.rows; ++i) {
    for (int64_t j = 0; j < e.width; ++j) ddistinct[index[i] * e.width + j] += g[i * e.width + j];
    for (int64_t j = 0; j < e.hidden; ++j) dprojected[index[i] * e.hidden + j] += q[i * e.hidden + j];
  }
}

void fast_forward(const KernelContext& c) {
  rtm_distinct_forward_simd({.shape = forward_shape(c),
                             .cells = c.precision == ProductPrecision::kBfloat16 ? Cells::kBfloat16 : Cells::kFloat32,
                             .index = c.inputs[2].as<const int32_t>(),
                             .offsets = c.inputs[3].as<const int32_t>(),
                             .distinct = c.inputs[0].as<const float>(),
                             .projected = c.inputs[1].as<const float>(),
                             .row_bias = c.inputs[4].as<const float>(),
                             .wo = c.inputs[5].as<const float>(),
                             .co = c.inputs[6].as<const float>(),
                             .pooling = c.attributes.as<DapAttributes>(),
                             .y = c.outputs[0].as<float>(),
                             .pooled = c.outputs[1].as<float>()},
                            c.scratch);
}

void fast_backward(const KernelContext& c) {
  rtm_distinct_backward_simd({.shape = backward_shape(c),
                              .cells = c.precision == ProductPrecision::kBfloat16 ? Cells::kBfloat16 : Cells::kFloat32,
                              .distinct_rows = c.inputs[0].shape[0],
                              .index = c.inputs[1].as<const int32_t>(),
                              .offsets = c.inputs[2].as<const int32_t>(),
                              .projected = c.inputs[0].as<const float>(),
                              .row_bias = c.inputs[3].as<const float>(),
                              .wo = c.inputs[4].as<const float>(),
                              .y = c.inputs[5].as<const float>(),
                              .pooled = pooled_gradient<float>(c),
                              .gy = rows_gradient<float>(c),
                              .ddistinct = c.outputs[0].as<float>(),
                              .dprojected = c.outputs[1].as<float>(),
                              .drow_bias = c.outputs[2].as<float>(),
                              .dwo = c.outputs[3].as<float>(),
                              .dco = c.outputs[4].as<float>()},
                             c.scratch);
}

}  // namespace

void rtm_distinct_cpu(const KernelContext& context) {
  if (context.outputs[0].dtype == DType::kFloat32) return fast_forward(context);
  plain_forward<double>(context);
}

void rtm_distinct_backward_cpu(const KernelContext& context) {
  if (context.outputs[0].dtype == DType::kFloat32) return fast_backward(context);
  plain_backward<double>(context);
}

}  // namespace polyscene::ops
