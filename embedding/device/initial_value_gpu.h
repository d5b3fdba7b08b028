// The arithmetic of table/initial_value.cc on a device, whose logarithm and cosine may differ in the last bit.
#pragma once

#include <cmath>

#include "ops/base/philox.h"
#include "ops/simt/simt.h"

namespace polyscene::embedding {

// Elements [4 * block, 4 * block + 4) of a key's initial values.
[[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, 4> initial_values(uint64_t generator_key, int64_t key, float stddev,
                                                                   int64_t block) {
  const PhiloxBlock bits = philox(generator_key, key, block);
  simt::Pack<float, 4> values{};
  for (int pair = 0; pair < 2; ++pair) {
    const auto a = static_cast<float>(uniform_open(bits[2 * pair]));
    const auto b = static_cast<float>(uniform_open(bits[2 * pair + 1]));
    const float radius = std::sqrt(-2.0f * std::log(a)), angle = 6.28318530717958647692f * b;
    values[2 * pair] = stddev * (radius * std::cos(angle));
    values[2 * pair + 1] = stddev * (radius * std::sin(angle));
  }
  return values;
}

}  // namespace polyscene::embedding
