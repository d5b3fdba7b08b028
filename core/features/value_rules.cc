#include "core/features/value_rules.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/features/batch.h"

namespace polyscene::core {

int64_t hash_key(const char* bytes, size_t size) {
  const int64_t key = XXH3_64bits(bytes, size);
  return key == kMissingKey ? key + 1 : key;
}

NumberTransform::NumberTransform(const config::Number& number)
    : log_(number.log()), mean_(number.mean()), scale_(1 / number.stddev()) {}

double NumberTransform::operator()(double x) const {
  if (log_) x = std::copysign(std::log1p(std::abs(x)), x);
  return (x - mean_) * scale_;
}

int64_t bucket_of(std::span<const double> boundaries, double x) {
  return std::ranges::upper_bound(boundaries, x) - boundaries.begin();
}

std::vector<int64_t> heaviest(std::span<const double> weights, int64_t size, int64_t count) {
  std::vector<int64_t> places(size);
  std::iota(places.begin(), places.end(), int64_t{0});
  if (!weights.empty())
    std::ranges::stable_sort(places, std::ranges::greater{}, [&](int64_t place) { return weights[place]; });
  places.resize(count);
  std::ranges::sort(places);
  return places;
}

}  // namespace polyscene::core
