// Names of files after what users name.
#pragma once

#include <cstddef>
#include <string>

namespace polyscene {

// Of a table: anything but letters, digits, '.', '_' and '-' is written as %XX.
[[nodiscard]] std::string file_name(const std::string& table);

// Most bytes of a table's file_name(): file systems take names of 255, and while its rows are saved the file is called
// NAME-RRRRR-of-NNNNN.safetensors.partial.
inline constexpr size_t kLongestFileName = 255 - sizeof("-RRRRR-of-NNNNN.safetensors.partial") + 1;

// Whether a name that a description of files gives is one below its folder.
[[nodiscard]] bool stays_inside(const std::string& name);

}  // namespace polyscene
