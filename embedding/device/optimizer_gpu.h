// The arithmetic of update/sparse_optimizer.cc, one pack of a row at a time. w: values; g: gradient.
#pragma once

#include <cmath>

#include "embedding/update/sparse_optimizer.h"
#include "ops/simt/simt.h"

namespace polyscene::embedding {

template <int kPack>
POLYSCENE_DEVICE void lazy_adam(const OptimizerStep& s, simt::Pack<float, kPack>& w, simt::Pack<float, kPack>& m,
                                simt::Pack<float, kPack>& v, const simt::Pack<float, kPack>& gradient) {
  for (int k = 0; k < kPack; ++k) {
    const float g = gradient[k] + s.weight_decay * w[k];
    m[k] = s.beta1 * m[k] + s.gain1 * g;
    v[k] = s.beta2 * v[k] + s.gain2 * g * g;
    w[k] -= s.rate * m[k] / (std::sqrt(v[k]) + s.epsilon);
  }
}

template <int kPack>
POLYSCENE_DEVICE void adagrad(const OptimizerStep& s, simt::Pack<float, kPack>& w, simt::Pack<float, kPack>& a,
                              const simt::Pack<float, kPack>& gradient) {
  for (int k = 0; k < kPack; ++k) {
    const float g = gradient[k] + s.weight_decay * w[k];
    a[k] += g * g;
    w[k] -= s.rate * g / (std::sqrt(a[k]) + s.epsilon);
  }
}

template <int kPack>
POLYSCENE_DEVICE void sgd(const OptimizerStep& s, float rate, simt::Pack<float, kPack>& w,
                          const simt::Pack<float, kPack>& gradient) {
  for (int k = 0; k < kPack; ++k) w[k] -= rate * (gradient[k] + s.weight_decay * w[k]);
}

}  // namespace polyscene::embedding
