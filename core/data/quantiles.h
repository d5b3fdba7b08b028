// Quantiles of a column: exact up to a bounded number of values, beyond it from a sample of bounded size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace polyscene::core {

class Quantiles {
 public:
  static constexpr std::array<double, 5> kShares = {0.01, 0.25, 0.5, 0.75, 0.99};

  // Keeps up to `bound` values. Beyond that, a hash of a value's running number decides whether it is in the sample, so
  // the same values in the same order give the same sample, of at least half the bound.
  explicit Quantiles(size_t bound = size_t{1} << 17) : bound_(bound) {}

  void add(double value);
  [[nodiscard]] int64_t count() const { return count_; }
  // Number of values that the quantiles are computed from.
  [[nodiscard]] int64_t sampled() const { return std::ssize(kept_); }
  // The quantiles at kShares, interpolated linearly between neighbours like NumPy's; empty without values.
  [[nodiscard]] std::vector<double> values() const;

 private:
  size_t bound_;
  int64_t count_ = 0;
  uint64_t most_hash_ = UINT64_MAX;
  std::vector<std::pair<uint64_t, double>> kept_;  // hash, value
};

}  // namespace polyscene::core
