// Activation functions of one element and their derivatives. The float versions have no branches and calls, so the
// compiler turns loops over them into SIMD code; the double versions call the standard library and are the reference.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "ops/dense/activation.h"

namespace polyscene::ops {

// condition ? a : b with bit operations, so that no compiler emits a branch, which would keep a loop from becoming SIMD
// code.
[[nodiscard]] inline float select(bool condition, float a, float b) {
  const uint32_t mask = condition ? ~0u : 0u;
  return std::bit_cast<float>((std::bit_cast<uint32_t>(a) & mask) | (std::bit_cast<uint32_t>(b) & ~mask));
}

// e^x within 2 ulp; x is clamped to [-87.3, 88], so that the result is a normal number. NaN stays NaN.
// Range reduction and polynomial of Cephes expf (Moshier).
[[nodiscard]] inline float fast_exp(float x) {
  x = select(x < -87.3f, -87.3f, x);
  x = select(x > 88.0f, 88.0f, x);
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = x * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float mantissa = p * r * r + r + 1.0f;
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRound) + 127u;
  return mantissa * std::bit_cast<float>(exponent << 23);
}
[[nodiscard]] inline double fast_exp(double x) { return std::exp(x); }

template <class T>
[[nodiscard]] T sigmoid(T x) {
  return T{1} / (T{1} + fast_exp(-x));
}

// Near 0 a polynomial (Cephes tanhf), because 1 - 2 / (e^2x + 1) loses precision there.
[[nodiscard]] inline float fast_tanh(float x) {
  const float a = std::abs(x);
  const float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float small = x + x * z * p;
  const float large = 1.0f - 2.0f / (fast_exp(2.0f * a) + 1.0f);
  return select(a < 0.625f, small, std::copysign(large, x));
}
[[nodiscard]] inline double fast_tanh(double x) { return std::tanh(x); }

template <Activation kActivation, class T>
[[nodiscard]] T activated(T x) {
  if constexpr (kActivation == Activation::kRelu) return x < T{0} ? T{0} : x;  // NaN stays NaN
  if constexpr (kActivation == Activation::kSigmoid) return sigmoid(x);
  if constexpr (kActivation == Activation::kTanh) return fast_tanh(x);
  return x;
}

// The derivative at the input whose output is y.
template <Activation kActivation, class T>
[[nodiscard]] T activation_slope(T y) {
  if constexpr (kActivation == Activation::kRelu) return y > T{0} ? T{1} : T{0};
  if constexpr (kActivation == Activation::kSigmoid) return y * (T{1} - y);
  if constexpr (kActivation == Activation::kTanh) return T{1} - y * y;
  return T{1};
}

// Calls f.template operator()<activation>().
template <class F>
void dispatch_activation(Activation activation, F&& f) {
  switch (activation) {
    case Activation::kNone:
      return f.template operator()<Activation::kNone>();
    case Activation::kRelu:
      return f.template operator()<Activation::kRelu>();
    case Activation::kSigmoid:
      return f.template operator()<Activation::kSigmoid>();
    case Activation::kTanh:
      return f.template operator()<Activation::kTanh>();
  }
}

}  // namespace polyscene::ops
