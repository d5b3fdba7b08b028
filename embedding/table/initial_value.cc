#include "embedding/table/initial_value.h"

#include <algorithm>

#include "ops/base/philox.h"

namespace polyscene {

uint64_t initial_value_key(uint64_t seed, uint64_t salt) { return mix64(mix64(seed + 0x9E3779B97F4A7C15ull) ^ salt); }

void fill_initial_values(uint64_t generator_key, int64_t key, double stddev, std::span<float> values) {
  for (size_t i = 0; i < values.size(); i += 4) {
    const PhiloxBlock bits = philox(generator_key, static_cast<uint64_t>(key), i / 4);
    const auto [n0, n1] = box_muller(bits[0], bits[1]);
    const auto [n2, n3] = box_muller(bits[2], bits[3]);
    const double normal[] = {n0, n1, n2, n3};
    const size_t count = std::min<size_t>(4, values.size() - i);
    for (size_t j = 0; j < count; ++j) values[i + j] = static_cast<float>(stddev * normal[j]);
  }
}

}  // namespace polyscene
