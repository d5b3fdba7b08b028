#include "embedding/update/finite_check.h"

#include <algorithm>
#include <cmath>

namespace polyscene::embedding {

size_t first_not_finite(std::span<const float> values) {
  // x * 0 is 0 exactly for finite x, and a sum of zeros vectorises where a search does not.
  float sum = 0;
  const float* data = values.data();
  const size_t n = values.size();
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; ++i) sum += data[i] * 0.0f;
  if (sum == 0) return n;
  return std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); }) - values.begin();
}

}  // namespace polyscene::embedding
