// File names made from names that users choose.
#pragma once

#include <cstddef>
#include <string>

namespace polyscene::core {

// The file name of a table: every byte but letters, digits, '.', '_' and '-' is written as %XX.
[[nodiscard]] std::string file_name(const std::string& table);

// Maximum length of a table's file_name(), in bytes: file systems allow names of 255 bytes, and while its rows are
// saved the file is called NAME-RRRRR-of-NNNNN.safetensors.partial.
inline constexpr size_t kLongestFileName = 255 - sizeof("-RRRRR-of-NNNNN.safetensors.partial") + 1;

// Whether a relative name, read from a list of files, stays inside the list's folder.
[[nodiscard]] bool stays_inside(const std::string& name);

}  // namespace polyscene::core
