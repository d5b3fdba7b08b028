// Handles characters in a configuration that are not plain text, as text editors, word processors and web pages leave
// them.
#pragma once

#include <string>

namespace polyscene::core::config_text {

// The text without the byte order mark (U+FEFF) that some editors write at the start. Throws InvalidArgument, naming
// `file`, for UTF-16 and UTF-32.
[[nodiscard]] std::string plain_text(const std::string& file, const std::string& text);

// Describes the character at a place of the text and what to write instead: `wanted plain text outside quotes, got “
// (U+201C); write "`. Line and column count from 1 as protobuf counts: in bytes, with tabs to multiples of 8.
[[nodiscard]] std::string foreign_character(const std::string& text, int line, int column);

}  // namespace polyscene::core::config_text
