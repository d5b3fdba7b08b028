// Names of files after what users name.
#pragma once

#include <string>

namespace polyscene {

// Of a table: anything but letters, digits, '.', '_' and '-' is written as %XX.
[[nodiscard]] std::string file_name(const std::string& table);

}  // namespace polyscene
