#include "embedding/table/initial_value.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/base/philox.h"

namespace polyscene::embedding {

namespace {

// Box-Muller in single precision: a few times faster than in double, and the result is stored as a float.
// The uniform numbers lie in (0, 1], so the logarithm is finite.
std::array<float, 2> normal_pair(uint32_t a, uint32_t b) {
  const float radius = std::sqrt(-2.0f * std::log(static_cast<float>(uniform_open(a))));
  const float angle = 6.28318530717958647692f * static_cast<float>(uniform_open(b));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

uint64_t initial_value_key(uint64_t seed, uint64_t salt) { return mix64(mix64(seed + 0x9E3779B97F4A7C15ull) ^ salt); }

void fill_initial_values(uint64_t generator_key, int64_t key, double stddev, std::span<float> values) {
  const float scale = static_cast<float>(stddev);
  for (size_t i = 0; i < values.size(); i += 4) {
    const PhiloxBlock bits = philox(generator_key, key, i / 4);
    const auto [n0, n1] = normal_pair(bits[0], bits[1]);
    const auto [n2, n3] = normal_pair(bits[2], bits[3]);
    const float normal[] = {n0, n1, n2, n3};
    const size_t count = std::min<size_t>(4, values.size() - i);
    for (size_t j = 0; j < count; ++j) values[i + j] = scale * normal[j];
  }
}

}  // namespace polyscene::embedding
