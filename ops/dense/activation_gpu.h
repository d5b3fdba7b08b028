// Activation functions of one element on a device, and their derivatives in terms of the output y.
#pragma once

#include <cmath>

#include "ops/dense/activation.h"
#include "ops/simt/simt.h"

namespace polyscene::ops {

[[nodiscard]] POLYSCENE_DEVICE float device_sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

[[nodiscard]] POLYSCENE_DEVICE float device_activation(Activation activation, float x) {
  switch (activation) {
    case Activation::kRelu:
      return x < 0 ? 0.0f : x;  // NaN stays NaN
    case Activation::kSigmoid:
      return device_sigmoid(x);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kNone:
      break;
  }
  return x;
}

// The gradient before the activation, from dy and the output y.
[[nodiscard]] POLYSCENE_DEVICE float device_backward(Activation activation, float y, float dy) {
  switch (activation) {
    case Activation::kRelu:
      return y > 0 ? dy : 0.0f;
    case Activation::kSigmoid:
      return dy * (y * (1 - y));
    case Activation::kTanh:
      return dy * (1 - y * y);
    case Activation::kNone:
      break;
  }
  return dy;
}

}  // namespace polyscene::ops
