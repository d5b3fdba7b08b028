#include <cmath>
#include <numeric>

#include "ops/base/thread.h"
#include "ops/loss/bce_with_logits.h"

namespace polyscene::ops {
namespace {

constexpr int64_t kGrain = 4096;

// log(1 + e^z) without overflow: e is never raised to a positive power.
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

}  // namespace

void bce_with_logits_cpu(const KernelContext& context) {
  const int64_t batch = context.inputs[0].shape[0];
  dispatch_floating(context.outputs[0].dtype, [&]<class T>() {
    const T* logit = context.inputs[0].as<const T>();
    const T* label = context.inputs[1].as<const T>();
    const auto partial = context.scratch.get<double>((batch + kGrain - 1) / kGrain);
    parallel_for(batch, kGrain, [=](int64_t begin, int64_t end) {
      double sum = 0;
      for (int64_t i = begin; i < end; ++i) {
        if (label[i] < 0) continue;
        const double z = double{logit[i]};
        sum += softplus(z) - double{label[i]} * z;
      }
      partial[begin / kGrain] = sum;
    });
    const double weight = double{*context.inputs[2].as<const T>()};
    *context.outputs[0].as<T>() = static_cast<T>(weight * std::accumulate(partial.begin(), partial.end(), 0.0));
  });
}

}  // namespace polyscene::ops
