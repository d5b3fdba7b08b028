// Expansion of shell patterns.
#pragma once

#include <string>
#include <vector>

namespace polyscene::core {

// Whether the text contains *, ?, [..] or an escape.
[[nodiscard]] bool is_pattern(const std::string& text);

// Paths below `root` (taken literally) that match the pattern, in lexical (byte) order, each once. *, ? and [..] match
// within one name, ** matches any number of folders, including none; a leading dot is matched by a dot only. An
// absolute pattern ignores `root`. Dangling links match too. Throws DataError naming a folder that cannot be read.
[[nodiscard]] std::vector<std::string> matching_paths(const std::string& root, const std::string& pattern);

}  // namespace polyscene::core
