#include "core/text/suggest.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "ops/base/error.h"

namespace polyscene::core::config_text {
namespace {

namespace fs = std::filesystem;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

}  // namespace

// Optimal string alignment; keeps three rows of the classic table.
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
  // One word contains the other: optim for optimizer, num_epochs for epochs. Very short words such as "lr" are
  // excluded.
  for (const std::string& candidate : candidates)
    if (contains(candidate, word) || (candidate.size() >= 3 && contains(word, candidate))) return candidate;
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  const std::string near = nearest(word, candidates);
  return near.empty() ? str("; there are ", join(candidates)) : str("; did you mean \"", near, "\"?");
}

std::string suggestion_beside(const std::string& path) {
  const fs::path named = fs::path(path).has_filename() ? fs::path(path) : fs::path(path).parent_path();
  std::vector<std::string> names;
  std::error_code error;
  const fs::path folder = named.has_parent_path() ? named.parent_path() : fs::path(".");
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  const std::string near = nearest(named.filename().string(), names);
  return near.empty() ? "" : str("; did you mean \"", (named.parent_path() / near).string(), "\"?");
}

std::string why_no_folder(const std::string& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  if (type == fs::file_type::directory) return "";
  if (type == fs::file_type::not_found) return "there is no folder " + path + suggestion_beside(path);
  return path + (type == fs::file_type::none ? " cannot be accessed: " + error.message() : " is not a folder");
}

std::string join(const std::vector<std::string>& words) {
  constexpr size_t kMost = 24;  // about two lines of a terminal
  std::string text;
  for (size_t i = 0; i < std::min(kMost, words.size()); ++i) text += (i ? ", " : "") + words[i];
  return words.size() > kMost ? str(text, " and ", words.size() - kMost, " more") : text;
}

}  // namespace polyscene::core::config_text
