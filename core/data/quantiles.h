// Quantiles of a column: exact up to a bound of values, then of a sample that grows with no more than it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace polyscene {

class Quantiles {
 public:
  static constexpr std::array<double, 5> kShares = {0.01, 0.25, 0.5, 0.75, 0.99};

  // Up to `bound` values are kept. Of more, each is in the sample or not by a hash of its number, so that the same
  // values in the same order give the same sample, of half the bound at least.
  explicit Quantiles(size_t bound = size_t{1} << 17) : bound_(bound) {}

  void add(double value);
  [[nodiscard]] int64_t count() const { return count_; }
  // How many of them the quantiles are of.
  [[nodiscard]] int64_t sampled() const { return static_cast<int64_t>(kept_.size()); }
  // For kShares, values between two neighbours in proportion, as NumPy's; nothing without values.
  [[nodiscard]] std::vector<double> values() const;

 private:
  size_t bound_;
  int64_t count_ = 0;
  uint64_t most_hash_ = UINT64_MAX;
  std::vector<std::pair<uint64_t, double>> kept_;  // hash, value
};

}  // namespace polyscene
