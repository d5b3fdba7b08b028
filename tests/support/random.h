// Random tensors for tests: the same seed gives the same values on every machine.
#pragma once

#include <cstdint>

#include "ops/base/philox.h"
#include "ops/tensor/tensor.h"

namespace polyscene::testing {

// Numbers uniform in (low, high); T is float or double.
template <class T>
[[nodiscard]] Tensor random_tensor(Shape shape, uint64_t seed, double low = -1, double high = 1) {
  Tensor tensor(DTypeOf<T>::value, shape);
  PhiloxStream random(seed);
  for (T& x : tensor.elements<T>()) x = static_cast<T>(low + (high - low) * random.next_uniform());
  return tensor;
}

// Integers uniform in [low, high).
[[nodiscard]] inline Tensor random_index(Shape shape, uint64_t seed, int32_t low, int32_t high) {
  Tensor tensor(DType::kInt32, shape);
  PhiloxStream random(seed);
  for (int32_t& i : tensor.elements<int32_t>())
    i = low + static_cast<int32_t>(random.next_below(static_cast<uint64_t>(high - low)));
  return tensor;
}

}  // namespace polyscene::testing
