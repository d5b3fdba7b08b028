#include "core/data/distinct_sketch.h"

#include <cmath>

#include "ops/base/philox.h"

namespace polyscene::core {

void DistinctSketch::add(int64_t key) {
  const uint64_t hash = mix64(static_cast<uint64_t>(key) + 0x9E3779B97F4A7C15ull);
  if (overflowed_ && hash >= largest_.top()) return;
  if (!hashes_.insert(hash).second) return;
  largest_.push(hash);
  if (hashes_.size() <= bound_) return;
  overflowed_ = true;
  hashes_.erase(largest_.top());
  largest_.pop();
}

int64_t DistinctSketch::count() const {
  if (!overflowed_) return std::ssize(hashes_);
  const double share = static_cast<double>(largest_.top()) / 0x1p64;  // part of the range that kept hashes fill
  return std::llround(static_cast<double>(bound_ - 1) / share);
}

}  // namespace polyscene::core
