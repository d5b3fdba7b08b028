#pragma once

#include <string>

namespace polyscene {

// A copy of a file, whole or not at all. The standard library's own calls a full disk an "Input/output error". Throws
// DataError naming the file, the system's reason and what to try.
void copy_file(const std::string& from, const std::string& to);

}  // namespace polyscene
