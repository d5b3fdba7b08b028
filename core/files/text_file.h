// Writes small text files of a run folder.
#pragma once

#include <string>

namespace polyscene::core {

// Replaces the file as a whole. Throws DataError naming the file if it cannot be written; then the file is unchanged.
void write_text_file(const std::string& path, const std::string& text);

}  // namespace polyscene::core
