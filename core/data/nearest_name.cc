#include "core/data/nearest_name.h"

#include <algorithm>
#include <numeric>

#include "ops/base/error.h"

namespace polyscene {
namespace {

constexpr size_t kListed = 12;  // names printed when none is near

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string listing(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "; there are none";
  std::string text = "; there are: ";
  for (size_t i = 0; i < std::min(kListed, candidates.size()); ++i) text += (i == 0 ? "" : ", ") + candidates[i];
  return candidates.size() > kListed ? str(text, " and ", candidates.size() - kListed, " more") : text;
}

}  // namespace

std::string did_you_mean(const std::string& wanted, const std::vector<std::string>& candidates) {
  const std::string* nearest = nullptr;
  size_t best = (wanted.size() + 2) / 3 + 1;  // a third of the letters may differ
  for (const auto& candidate : candidates) {
    const size_t distance = edit_distance(wanted, candidate);
    if (distance < best) {
      best = distance;
      nearest = &candidate;
    }
  }
  return nearest != nullptr ? str("; did you mean \"", *nearest, "\"?") : listing(candidates);
}

}  // namespace polyscene
