// Small text files of a run folder.
#pragma once

#include <string>

namespace polyscene {

// Replaces the file as a whole; throws DataError naming it when it cannot be written, and then it is as it was.
void write_text_file(const std::string& path, const std::string& text);

}  // namespace polyscene
