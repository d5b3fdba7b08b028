#pragma once

#include <string>

namespace polyscene::core {

// Copies a file, whole or not at all. Throws DataError naming the file, the system's reason and what to try. (The
// standard library's copy reports a full disk as "Input/output error".)
void copy_file(const std::string& from, const std::string& to);

}  // namespace polyscene::core
