#include "ops/jagged/rtm_distinct.h"
#include "ops/jagged/rtm_plain.h"

namespace polyscene::ops {
namespace {

// u = relu(projected[index] + row_bias[owner]).
template <class T>
std::span<T> plain_hidden(const RtmShape& e, const KernelContext& c, const T* projected, const int32_t* index,
                          const int32_t* offsets, const T* row_bias) {
  const auto owner = c.scratch.get<int32_t>(e.rows);
  rtm_owners(offsets, e.batch, owner.data());
  const auto u = c.scratch.get<T>(e.rows * e.hidden);
  for (int64_t i = 0; i < e.rows; ++i)
    for (int64_t j = 0; j < e.hidden; ++j)
      u[static_cast<size_t>(i * e.hidden + j)] =
          std::max(projected[index[i] * e.hidden + j] + row_bias[owner[static_cast<size_t>(i)] * e.hidden + j], T{0});
  return u;
}

template <class T>
void plain_forward(const KernelContext& c) {
  const Shape& wo = c.inputs[5].shape;
  const RtmShape e = {c.inputs[2].shape[0], wo[1], wo[0], c.inputs[4].shape[0]};
  const T* distinct = c.inputs[0].as<const T>();
  const auto* index = c.inputs[2].as<const int32_t>();
  const auto u = plain_hidden<T>(e, c, c.inputs[1].as<const T>(), index, c.inputs[3].as<const int32_t>(),
                                 c.inputs[4].as<const T>());
  plain_residual<T>(
      e, [=](int64_t i) { return distinct + index[i] * e.width; }, u.data(), c.inputs[5].as<const T>(),
      c.inputs[6].as<const T>(), c.outputs[0].as<T>());
}

template <class T>
void plain_backward(const KernelContext& c) {
  const Shape& wo = c.inputs[4].shape;
  const RtmShape e = {c.inputs[1].shape[0], wo[1], wo[0], c.inputs[3].shape[0]};
  const auto *index = c.inputs[1].as<const int32_t>(), *offsets = c.inputs[2].as<const int32_t>();
  const T* g = c.inputs[5].as<const T>();
  for (const TensorView& out : c.outputs) std::ranges::fill(out.elements<T>(), T{0});
  const auto u = plain_hidden<T>(e, c, c.inputs[0].as<const T>(), index, offsets, c.inputs[3].as<const T>());
  const auto q = c.scratch.get<T>(e.rows * e.hidden);
  std::ranges::fill(q, T{0});
  plain_tail_backward<T>(e, offsets, u.data(), c.inputs[4].as<const T>(), g, q.data(), c.outputs[3].as<T>(),
                         c.outputs[4].as<T>(), c.outputs[2].as<T>());
  T *ddistinct = c.outputs[0].as<T>(), *dprojected = c.outputs[1].as<T>();
  for (int64_t i = 0; i < e.rows; ++i) {
    for (int64_t j = 0; j < e.width; ++j) ddistinct[index[i] * e.width + j] += g[i * e.width + j];
    for (int64_t j = 0; j < e.hidden; ++j)
      dprojected[index[i] * e.hidden + j] += q[static_cast<size_t>(i * e.hidden + j)];
  }
}

}  // namespace

void rtm_distinct_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { plain_forward<T>(context); });
}

void rtm_distinct_backward_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { plain_backward<T>(context); });
}

}  // namespace polyscene::ops
