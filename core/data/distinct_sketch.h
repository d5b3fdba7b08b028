// Counts the distinct keys of a column: exactly up to a bound, beyond it by an estimate from the smallest hashes (k
// minimum values; Bar-Yossef et al., "Counting distinct elements in a data stream", RANDOM 2002).
#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <unordered_set>

namespace polyscene::core {

class DistinctSketch {
 public:
  // Exact up to `bound` keys; beyond that the relative standard error is 1 / sqrt(bound).
  explicit DistinctSketch(size_t bound = 65536) : bound_(bound) {}

  void add(int64_t key);
  [[nodiscard]] bool exact() const { return !overflowed_; }
  [[nodiscard]] int64_t count() const;

 private:
  size_t bound_;
  bool overflowed_ = false;
  std::unordered_set<uint64_t> hashes_;    // the smallest hashes, at most `bound`
  std::priority_queue<uint64_t> largest_;  // the same hashes, the largest on top
};

}  // namespace polyscene::core
