// What becomes of values on their way into a batch, wherever they come from: files in training, requests in serving.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene {

// The key of a string id: XXH3 64 of its bytes, never kMissingKey.
[[nodiscard]] int64_t hash_key(const char* bytes, size_t size);

// The ids that a categorical feature takes: kMissingKey is none of them.
struct KeyLimits {
  int64_t min, max;
  [[nodiscard]] bool hold(int64_t key) const { return key >= min && key <= max; }
};
[[nodiscard]] KeyLimits key_limits(const config::Categorical& field);

// A number as the model sees it, or before it goes into a bucket.
class NumberTransform {
 public:
  explicit NumberTransform(const config::Number& number);
  // sign(x) ln(1 + abs(x)) if `log`, then (x - mean) / stddev.
  [[nodiscard]] double operator()(double x) const;

 private:
  bool log_;
  double mean_, scale_;
};

// How many boundaries are <= x.
[[nodiscard]] int64_t bucket_of(std::span<const double> boundaries, double x);

// Places of the `count` heaviest of `weights`, ascending; of equal weights the earlier ones. Without weights the first.
[[nodiscard]] std::vector<int64_t> heaviest(std::span<const double> weights, int64_t size, int64_t count);

}  // namespace polyscene
