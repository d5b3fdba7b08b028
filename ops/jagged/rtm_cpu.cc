#include "ops/jagged/rtm.h"
#include "ops/jagged/rtm_plain.h"

namespace polyscene::ops {
namespace {

RtmShape shape_of(const KernelContext& c) {
  const Shape &b = c.inputs[0].shape, &wb = c.inputs[3].shape;
  return {b[0], b[1], wb[1], c.inputs[1].shape[0] - 1};
}

template <class T>
void plain_forward(const KernelContext& c) {
  const RtmShape e = shape_of(c);
  const T *b = c.inputs[0].as<const T>(), *row_bias = c.inputs[2].as<const T>();
  T* u = c.outputs[1].as<T>();
  const auto owner = c.scratch.get<int32_t>(e.rows);
  rtm_owners(c.inputs[1].as<const int32_t>(), e.batch, owner.data());
  for (int64_t i = 0; i < e.rows; ++i)
    std::copy_n(row_bias + owner[static_cast<size_t>(i)] * e.hidden, e.hidden, u + i * e.hidden);
  plain_product<T>(strided(b, e.width), strided(c.inputs[3].as<const T>(), e.hidden), strided(u, e.hidden), e.rows,
                   e.width, e.hidden);
  for (T& x : c.outputs[1].elements<T>()) x = std::max(x, T{0});
  plain_residual<T>(
      e, [=](int64_t i) { return b + i * e.width; }, u, c.inputs[4].as<const T>(), c.inputs[5].as<const T>(),
      c.outputs[0].as<T>());
}

template <class T>
void plain_backward(const KernelContext& c) {
  const RtmShape e = shape_of(c);
  const T *b = c.inputs[0].as<const T>(), *wb = c.inputs[3].as<const T>(), *g = c.inputs[5].as<const T>();
  for (const TensorView& out : c.outputs) std::ranges::fill(out.elements<T>(), T{0});
  const auto q = c.scratch.get<T>(e.rows * e.hidden);
  std::ranges::fill(q, T{0});
  plain_tail_backward<T>(e, c.inputs[1].as<const int32_t>(), c.inputs[2].as<const T>(), c.inputs[4].as<const T>(), g,
                         q.data(), c.outputs[3].as<T>(), c.outputs[4].as<T>(), c.outputs[1].as<T>());
  T* db = c.outputs[0].as<T>();
  std::copy_n(g, e.rows * e.width, db);
  const T* rows = q.data();
  plain_product<T>(strided(rows, e.hidden), strided(wb, e.hidden, true), strided(db, e.width), e.rows, e.hidden,
                   e.width);
  plain_product<T>(strided(b, e.width, true), strided(rows, e.hidden), strided(c.outputs[2].as<T>(), e.hidden), e.width,
                   e.rows, e.hidden);
}

}  // namespace

void rtm_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { plain_forward<T>(context); });
}

void rtm_backward_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { plain_backward<T>(context); });
}

}  // namespace polyscene::ops
