#include "core/files/file_name.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

namespace polyscene {

std::string file_name(const std::string& table) {
  std::string out;
  for (const char c : table) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    char hex[4];
    std::snprintf(hex, sizeof(hex), "%%%02X", static_cast<unsigned char>(c));
    out += plain ? std::string(1, c) : hex;
  }
  return out;
}

bool stays_inside(const std::string& name) {
  const std::filesystem::path path(name);
  return !name.empty() && path.is_relative() && std::ranges::find(path, std::filesystem::path("..")) == path.end();
}

}  // namespace polyscene
