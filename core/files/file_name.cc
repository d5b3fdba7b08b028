#include "core/files/file_name.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/text/percent.h"

namespace polyscene::core {

std::string file_name(const std::string& table) {
  return percent_encoded(
      table, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-'; });
}

bool stays_inside(const std::string& name) {
  const std::filesystem::path path(name);
  return !name.empty() && path.is_relative() && std::ranges::find(path, std::filesystem::path("..")) == path.end();
}

}  // namespace polyscene::core
