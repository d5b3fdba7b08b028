#include "core/config/suggest.h"

#include <algorithm>
#include <cctype>

#include "ops/base/error.h"

namespace polyscene::config_text {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

}  // namespace

// Optimal string alignment, three rows of the classic table.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  // A word cut short or spelled out ("lr" apart): optimizer for optim, epochs for num_epochs.
  for (const std::string& candidate : candidates)
    if (contains(candidate, word) || (candidate.size() >= 3 && contains(word, candidate))) return candidate;
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  const std::string near = nearest(word, candidates);
  return near.empty() ? str("; there are ", join(candidates)) : str("; did you mean \"", near, "\"?");
}

std::string join(const std::vector<std::string>& words) {
  constexpr size_t kMost = 24;  // a screen's line or two
  std::string text;
  for (size_t i = 0; i < std::min(kMost, words.size()); ++i) text += (i ? ", " : "") + words[i];
  return words.size() > kMost ? str(text, " and ", words.size() - kMost, " more") : text;
}

}  // namespace polyscene::config_text
