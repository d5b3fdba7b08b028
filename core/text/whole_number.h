// Integers in texts.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace polyscene::core {

// The integer that the whole text is, in base 10. No value if other characters stand before or after it, if there is
// none, or if an Integer cannot hold it: std::from_chars alone leaves these checks to its caller.
template <class Integer>
[[nodiscard]] std::optional<Integer> whole_number(std::string_view text) {
  Integer number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace polyscene::core
