#include "core/config/characters.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "ops/base/error.h"
#include "ops/base/ratio.h"

namespace polyscene::core::config_text {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr int kTab = 8;

// Detects UTF-16 and UTF-32 without a byte order mark: Latin letters take two or four bytes there, all but one of them
// zero.
const char* wide_encoding(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32";
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) return "UTF-16";
  const auto zeros = std::ranges::count(text.substr(0, 64), '\0');
  const double share = ratio(zeros, std::clamp<int64_t>(std::ssize(text), 1, 64));
  return share > 0.6 ? "UTF-32" : share > 0.3 ? "UTF-16" : nullptr;
}

size_t offset_of(std::string_view text, int line, int column) {
  size_t at = 0;
  for (int l = 1; l < line && at < text.size(); ++l) at = std::min(text.find('\n', at), text.size() - 1) + 1;
  for (int c = 0; c + 1 < column && at < text.size(); ++at) c = text[at] == '\t' ? (c / kTab + 1) * kTab : c + 1;
  return at;
}

// The first character of the text, or 0 if it is not UTF-8. Sets `bytes` to the number of bytes that it takes.
uint32_t decode(std::string_view text, size_t& bytes) {
  const auto first = static_cast<unsigned char>(text[0]);
  bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return 0;
  uint32_t code = first & (0xFFu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0u) != 0x80u) return 0;
    code = code << 6u | (next & 0x3Fu);
  }
  return code;
}

std::string hexadecimal(const char* pattern, uint32_t value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

std::string instead_of(uint32_t code) {
  if ((code >= 0x201C && code <= 0x201F) || code == 0xAB || code == 0xBB) return "write \"";
  if ((code >= 0x2018 && code <= 0x201B) || code == 0xB4) return "write ' or \"";
  if (code >= 0xFF01 && code <= 0xFF5E) return str("write ", static_cast<char>(code - 0xFF01 + '!'));
  if ((code >= 0x2010 && code <= 0x2015) || code == 0x2212) return "write -";
  if (code == 0xA0 || code == 0x3000 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F)
    return "it looks like a space; write a plain one";
  if (code == 0xFEFF || (code >= 0x200B && code <= 0x200D) || code == 0x2060) return "it is not visible; remove it";
  return "put it in quotes, or remove it";
}

}  // namespace

std::string plain_text(const std::string& file, const std::string& text) {
  const char* wide = wide_encoding(text);
  require(wide == nullptr, "[config] ", file, ":1:1: wanted text in UTF-8, got ", wide ? wide : "",
          "; save it as UTF-8, or convert it with iconv -f ", wide ? wide : "", " -t UTF-8");
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::string foreign_character(const std::string& text, int line, int column) {
  const std::string_view rest = std::string_view(text).substr(offset_of(text, line, column));
  if (rest.empty()) return "wanted plain text outside quotes";
  if (static_cast<unsigned char>(rest[0]) < 0x80)
    return str("got the control character ", hexadecimal("U+%04X", static_cast<unsigned char>(rest[0])), "; remove it");
  size_t bytes = 1;
  const uint32_t code = decode(rest, bytes);
  if (code == 0)
    return str("wanted text in UTF-8, got the byte ", hexadecimal("0x%02X", static_cast<unsigned char>(rest[0])),
               ", which is none; save it as UTF-8");
  return str("wanted plain text outside quotes, got ", rest.substr(0, bytes), " (", hexadecimal("U+%04X", code), "); ",
             instead_of(code));
}

}  // namespace polyscene::core::config_text
