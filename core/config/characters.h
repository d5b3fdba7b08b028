// What a text editor, a word processor or a web page may leave in a configuration that is no plain text.
#pragma once

#include <string>

namespace polyscene::config_text {

// The text without the mark (U+FEFF) that some editors write first. Throws InvalidArgument, naming `file`, for UTF-16
// and UTF-32.
[[nodiscard]] std::string plain_text(const std::string& file, const std::string& text);

// The character at a place of the text (line and column from 1, as protobuf counts: bytes, tabs to multiples of 8) and
// what to write instead: `wanted plain text outside quotes, got “ (U+201C); write "`.
[[nodiscard]] std::string foreign_character(const std::string& text, int line, int column);

}  // namespace polyscene::config_text
