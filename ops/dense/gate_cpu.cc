#include <algorithm>

#include "ops/base/thread.h"
#include "ops/dense/activation_math.h"
#include "ops/dense/elementwise.h"
#include "ops/dense/gate.h"

namespace polyscene::ops {
namespace {

// Number of factors computed at a time, so that the exponentials fill vectors for any group size.
constexpr int64_t kFactors = 64;

// Calls body(first, count, factors) over the groups [begin, end); factors[i] = gamma * sigmoid(p[first + i]).
template <class T, class Body>
void for_factors(const T* p, T gamma, int64_t begin, int64_t end, const Body& body) {
  T factors[kFactors];
  for (int64_t first = begin; first < end; first += kFactors) {
    const int64_t count = std::min(kFactors, end - first);
    for (int64_t i = 0; i < count; ++i) factors[i] = gamma * sigmoid(p[first + i]);
    body(first, count, factors);
  }
}

// Computes dp of one group and its dx; f is the group's factor.
template <class T>
T backward_group(const T* __restrict x, const T* __restrict dy, int64_t group, T f, T* __restrict dx) {
  T sum = 0;
  for (int64_t j = 0; j < group; ++j) {
    dx[j] = f * dy[j];
    sum += dy[j] * x[j];
  }
  return sum;
}

// Calls body(k, first, at, count, factors) in parallel for all groups: `count` groups of part k starting with group
// `at`, whose logits start at p[first].
template <class T, class Body>
void for_parts(const KernelContext& c, size_t parts, const Body& body) {
  const auto& attributes = c.attributes.as<GateAttributes>();
  const T gamma = static_cast<T>(attributes.gamma), *p = c.inputs[parts].as<const T>();
  const int64_t rows = c.inputs[parts].shape[0], all = c.inputs[parts].shape[1];
  parallel_for(rows, row_grain(all * attributes.group), [&](int64_t begin, int64_t end) {
    int64_t before = 0;  // groups of the preceding parts
    for (size_t k = 0; k < parts; ++k) {
      const int64_t groups = c.inputs[k].shape[1] / attributes.group;
      for (int64_t row = begin; row < end; ++row) {
        const int64_t from = row * all + before;
        for_factors(p, gamma, from, from + groups, [&](int64_t first, int64_t count, const T* factors) {
          body(k, first, row * groups + first - from, count, factors);
        });
      }
      before += groups;
    }
  });
}

template <class T>
void forward(const KernelContext& c) {
  const int64_t group = c.attributes.as<GateAttributes>().group;
  for_parts<T>(c, c.outputs.size(), [&](size_t k, int64_t, int64_t at, int64_t count, const T* factors) {
    const T* x = c.inputs[k].as<const T>() + at * group;
    T* y = c.outputs[k].as<T>() + at * group;
    if (group == 1) {
      for (int64_t i = 0; i < count; ++i) y[i] = factors[i] * x[i];
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < group; ++j) y[i * group + j] = factors[i] * x[i * group + j];
  });
}

template <class T>
void backward(const KernelContext& c) {
  const auto& [gamma, group] = c.attributes.as<GateAttributes>();
  const size_t parts = c.outputs.size() - 1;
  const T largest = static_cast<T>(gamma);
  for_parts<T>(c, parts, [&](size_t k, int64_t first, int64_t at, int64_t count, const T* factors) {
    const T* x = c.inputs[k].as<const T>() + at * group;
    const T* dy = c.inputs[parts + 1 + k].as<const T>() + at * group;
    T *dx = c.outputs[k].as<T>() + at * group, *dp = c.outputs[parts].as<T>() + first;
    T sums[kFactors];
    if (group == 1) {
      for (int64_t i = 0; i < count; ++i) dx[i] = factors[i] * dy[i];
      for (int64_t i = 0; i < count; ++i) sums[i] = dy[i] * x[i];
    } else {
      for (int64_t i = 0; i < count; ++i)
        sums[i] = backward_group(x + i * group, dy + i * group, group, factors[i], dx + i * group);
    }
    for (int64_t i = 0; i < count; ++i) dp[i] = sums[i] * factors[i] * (T{1} - factors[i] / largest);
  });
}

}  // namespace

void gate_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { forward<T>(context); });
}

void gate_backward_cpu(const KernelContext& context) {
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() { backward<T>(context); });
}

}  // namespace polyscene::ops
