#include "core/data/quantiles.h"

#include <algorithm>
#include <cmath>

namespace polyscene::core {
namespace {

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): neighbouring numbers give unrelated hashes.
uint64_t scattered(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

void Quantiles::add(double value) {
  const uint64_t hash = scattered(count_++);
  if (hash > most_hash_) return;
  kept_.emplace_back(hash, value);
  while (kept_.size() > bound_) {
    most_hash_ /= 2;
    std::erase_if(kept_, [&](const auto& entry) { return entry.first > most_hash_; });
  }
}

std::vector<double> Quantiles::values() const {
  if (kept_.empty()) return {};
  std::vector<double> sorted, found;
  for (const auto& [hash, value] : kept_) sorted.push_back(value);
  std::ranges::sort(sorted);
  for (const double share : kShares) {
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(at);
    const double next = sorted[std::min(below + 1, sorted.size() - 1)];
    found.push_back(std::lerp(sorted[below], next, at - static_cast<double>(below)));
  }
  return found;
}

}  // namespace polyscene::core
