// Bytes of a text as %XX, so that no reader takes them for something else.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace polyscene::core {

// Replaces every byte for which `wanted` is true by %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text, const std::function<bool(char)>& wanted);

// Replaces ASCII control characters and every character in `characters` by %XX. A % stays unless it is in `characters`.
[[nodiscard]] std::string percent_encoded(std::string_view text, std::string_view characters);

}  // namespace polyscene::core
