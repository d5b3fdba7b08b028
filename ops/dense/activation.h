// The activation functions of the operators.
#pragma once

#include <cstdint>
#include <ostream>

namespace polyscene::ops {

enum class Activation : uint8_t { kNone, kRelu, kSigmoid, kTanh };

inline std::ostream& operator<<(std::ostream& out, Activation activation) {
  constexpr const char* names[] = {"none", "relu", "sigmoid", "tanh"};
  return out << names[static_cast<int>(activation)];
}

}  // namespace polyscene::ops
