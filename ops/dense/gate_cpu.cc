#include <cmath>

#include "ops/base/thread.h"
#include "ops/dense/gate.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kRowGrain = 32;

template <class T>
T factor(T p, T gamma) {
  return gamma / (T{1} + std::exp(-p));
}

}  // namespace

void gate_cpu(const KernelContext& context) {
  const auto& [gamma, group] = context.attributes.as<GateAttributes>();
  const int64_t rows = context.inputs[1].shape[0], groups = context.inputs[1].shape[1], width = group;
  dispatch_floating(context.outputs[0].dtype, [&, scale = gamma]<class T>() {
    const T *x = context.inputs[0].as<const T>(), *p = context.inputs[1].as<const T>();
    T* y = context.outputs[0].as<T>();
    parallel_for(rows, kRowGrain, [=](int64_t begin, int64_t end) {
      for (int64_t g = begin * groups; g < end * groups; ++g) {
        const T f = factor(p[g], static_cast<T>(scale));
        for (int64_t j = g * width; j < (g + 1) * width; ++j) y[j] = f * x[j];
      }
    });
  });
}

void gate_backward_cpu(const KernelContext& context) {
  const auto& [gamma, group] = context.attributes.as<GateAttributes>();
  const int64_t rows = context.inputs[1].shape[0], groups = context.inputs[1].shape[1], width = group;
  dispatch_floating(context.outputs[0].dtype, [&, scale = static_cast<double>(gamma)]<class T>() {
    const T *x = context.inputs[0].as<const T>(), *p = context.inputs[1].as<const T>();
    const T* dy = context.inputs[2].as<const T>();
    T *dx = context.outputs[0].as<T>(), *dp = context.outputs[1].as<T>();
    parallel_for(rows, kRowGrain, [=](int64_t begin, int64_t end) {
      for (int64_t g = begin * groups; g < end * groups; ++g) {
        const T f = factor(p[g], static_cast<T>(scale));
        T sum = 0;
        for (int64_t j = g * width; j < (g + 1) * width; ++j) {
          dx[j] = f * dy[j];
          sum += dy[j] * x[j];
        }
        dp[g] = sum * f * (T{1} - f / static_cast<T>(scale));
      }
    });
  });
}

}  // namespace polyscene::ops
