// Suggestions for misspelt words: "did you mean ...?".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace polyscene::core::config_text {

// The smallest number of edits between the two words: a letter inserted, removed or replaced, or two neighbouring
// letters swapped. Case is ignored.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or "" if none is similar enough.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// `; did you mean "x"?`, or `; there are a, b, c` if no candidate is similar, or "" without candidates.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

// `; did you mean "FOLDER/near"?` for a path that does not exist, from the names in its folder; "" if none is similar.
[[nodiscard]] std::string suggestion_beside(const std::string& path);

// Why `path` is not a folder: `there is no folder runs/frist; did you mean "runs/first"?`, or that it is something
// else. "" if it is a folder.
[[nodiscard]] std::string why_no_folder(const std::string& path);

// "a, b, c", cut after the first two dozen words.
[[nodiscard]] std::string join(const std::vector<std::string>& words);

}  // namespace polyscene::core::config_text
