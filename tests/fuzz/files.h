// Whole files as strings, and a look at names that files give.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace polyscene::testing {

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  if (!(std::ofstream(path, std::ios::binary) << bytes).flush()) throw std::logic_error("cannot write " + path);
}

// By another way than the product's: throws where folder/name leads out of the folder.
inline void require_below(const std::string& folder, const std::string& name) {
  const std::string normal = std::filesystem::path(name).lexically_normal().string();
  if (name.starts_with("/") || normal == ".." || normal.starts_with("../"))
    throw std::logic_error("\"" + name + "\" leads out of " + folder);
}

}  // namespace polyscene::testing
