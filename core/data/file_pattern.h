// Paths that match a shell pattern.
#pragma once

#include <string>
#include <vector>

namespace polyscene {

// Whether the text is a pattern: has *, ?, [..] or an escape.
[[nodiscard]] bool is_pattern(const std::string& text);

// Paths below `root`, itself no pattern, that match: *, ? and [..] within one name, ** any number of folders, also
// none; a leading dot wants a dot in the pattern. An absolute pattern leaves the root aside. In lexical (byte) order,
// each once; a link that leads nowhere matches too. Throws DataError naming a folder on the way that cannot be read.
[[nodiscard]] std::vector<std::string> matching_paths(const std::string& root, const std::string& pattern);

}  // namespace polyscene
