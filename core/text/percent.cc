#include "core/text/percent.h"

#include <cstdio>

namespace polyscene::core {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string percent_encoded(std::string_view text, const std::function<bool(char)>& wanted) {
  std::string out;
  for (const char c : text) {
    char hex[4];
    std::snprintf(hex, sizeof(hex), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += wanted(c) ? hex : std::string(1, c);
  }
  return out;
}

std::string percent_encoded(std::string_view text, std::string_view characters) {
  return percent_encoded(text, [&](char c) { return is_control(c) || characters.find(c) != std::string_view::npos; });
}

}  // namespace polyscene::core
