// "did you mean ...?": what turns a refused word into a corrected one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace polyscene::config_text {

// Least number of inserted, removed, replaced or swapped neighbouring letters between the two; case is ignored.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or empty when none is near enough to be a slip of the keyboard or the memory.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// `; did you mean "x"?`, or `; there are a, b, c` when no candidate is near, or nothing without candidates.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

// `; did you mean "FOLDER/near"?` for a path where nothing is, of the names beside it, or nothing.
[[nodiscard]] std::string suggestion_beside(const std::string& path);

// `there is no folder runs/frist; did you mean "runs/first"?`, or that it is none; empty where it is one.
[[nodiscard]] std::string why_no_folder(const std::string& path);

// "a, b, c", cut to the first two dozen.
[[nodiscard]] std::string join(const std::vector<std::string>& words);

}  // namespace polyscene::config_text
