// Rules that turn raw values into batch values, shared by training (values from files) and serving (from requests).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// The key of a string id: XXH3 64 of its bytes, never kMissingKey.
[[nodiscard]] int64_t hash_key(const char* bytes, size_t size);

// Transforms a raw number into the model's input, or into the value that is bucketised.
class NumberTransform {
 public:
  explicit NumberTransform(const config::Number& number);
  // sign(x) ln(1 + abs(x)) if `log`, then (x - mean) / stddev.
  [[nodiscard]] double operator()(double x) const;

 private:
  bool log_;
  double mean_, scale_;
};

// Index of the bucket of x: the number of boundaries that are <= x. The boundaries are ascending.
[[nodiscard]] int64_t bucket_of(std::span<const double> boundaries, double x);

// Indices of the `count` largest of `size` weights, in ascending order; among equal weights the earlier ones win.
// Without weights: the first `count` indices.
[[nodiscard]] std::vector<int64_t> heaviest(std::span<const double> weights, int64_t size, int64_t count);

}  // namespace polyscene::core
