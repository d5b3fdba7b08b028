#include <algorithm>

#include "ops/base/thread.h"
#include "ops/dense/activation_math.h"
#include "ops/dense/elementwise.h"
#include "ops/dense/gate.h"

namespace polyscene::ops {
namespace {

// Factors are computed this many at a time, so that the exponentials fill vectors whatever the group.
constexpr int64_t kFactors = 64;

// Calls body(first, count, factors) over the groups [begin, end), factors[i] = gamma * sigmoid(p[first + i]).
template <class T, class Body>
void for_factors(const T* p, T gamma, int64_t begin, int64_t end, const Body& body) {
  T factors[kFactors];
  for (int64_t first = begin; first < end; first += kFactors) {
    const int64_t count = std::min(kFactors, end - first);
    for (int64_t i = 0; i < count; ++i) factors[i] = gamma * sigmoid(p[first + i]);
    body(first, count, factors);
  }
}

// dp of one group and its dx, f the group's factor.
template <class T>
T backward_group(const T* __restrict x, const T* __restrict dy, int64_t group, T f, T* __restrict dx) {
  T sum = 0;
  for (int64_t j = 0; j < group; ++j) {
    dx[j] = f * dy[j];
    sum += dy[j] * x[j];
  }
  return sum;
}

template <class T>
void forward(const KernelContext& c, T gamma, int64_t group) {
  const T *x = c.inputs[0].as<const T>(), *p = c.inputs[1].as<const T>();
  T* y = c.outputs[0].as<T>();
  parallel_for(c.inputs[1].shape.elements(), row_grain(group), [=](int64_t begin, int64_t end) {
    for_factors(p, gamma, begin, end, [=](int64_t first, int64_t count, const T* factors) {
      const T* from = x + first * group;
      T* to = y + first * group;
      if (group == 1) {
        for (int64_t i = 0; i < count; ++i) to[i] = factors[i] * from[i];
        return;
      }
      for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < group; ++j) to[i * group + j] = factors[i] * from[i * group + j];
    });
  });
}

template <class T>
void backward(const KernelContext& c, T gamma, int64_t group) {
  const T *x = c.inputs[0].as<const T>(), *p = c.inputs[1].as<const T>(), *dy = c.inputs[2].as<const T>();
  T *dx = c.outputs[0].as<T>(), *dp = c.outputs[1].as<T>();
  parallel_for(c.inputs[1].shape.elements(), row_grain(group), [=](int64_t begin, int64_t end) {
    for_factors(p, gamma, begin, end, [=](int64_t first, int64_t count, const T* factors) {
      const int64_t at = first * group;
      T sums[kFactors];
      if (group == 1) {
        for (int64_t i = 0; i < count; ++i) dx[at + i] = factors[i] * dy[at + i];
        for (int64_t i = 0; i < count; ++i) sums[i] = dy[at + i] * x[at + i];
      } else {
        for (int64_t i = 0; i < count; ++i)
          sums[i] = backward_group(x + at + i * group, dy + at + i * group, group, factors[i], dx + at + i * group);
      }
      for (int64_t i = 0; i < count; ++i) dp[first + i] = sums[i] * factors[i] * (T{1} - factors[i] / gamma);
    });
  });
}

}  // namespace

void gate_cpu(const KernelContext& context) {
  const auto& a = context.attributes.as<GateAttributes>();
  dispatch_floating(context.outputs[0].dtype,
                    [&]<class T>() { forward<T>(context, static_cast<T>(a.gamma), a.group); });
}

void gate_backward_cpu(const KernelContext& context) {
  const auto& a = context.attributes.as<GateAttributes>();
  dispatch_floating(context.outputs[0].dtype,
                    [&]<class T>() { backward<T>(context, static_cast<T>(a.gamma), a.group); });
}

}  // namespace polyscene::ops
