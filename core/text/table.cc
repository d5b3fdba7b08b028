#include "core/text/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <utility>

namespace polyscene::core {
namespace {

constexpr std::string_view kGap = "  ", kCut = "...";
constexpr size_t kLeastName = 16;  // least columns of a name next to numbers

struct Character {
  std::string_view bytes;
  char32_t code = 0;
  bool sound = false;  // false: a single byte that is not UTF-8
};

Character first_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(0);
  const size_t bytes = head < 0x80 ? 1 : head >= 0xF0 ? 4 : head >= 0xE0 ? 3 : 2;
  const Character broken{.bytes = text.substr(0, 1)};
  if ((head >= 0x80 && head < 0xC2) || head > 0xF4 || text.size() < bytes) return broken;
  char32_t code = bytes == 1 ? head : head & (0x7Fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return broken;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return broken;
  return {text.substr(0, bytes), code, true};
}

using Range = std::pair<char32_t, char32_t>;

bool in(char32_t code, const auto& ranges) {
  return std::ranges::any_of(ranges, [&](const Range& r) { return r.first <= code && code <= r.second; });
}

// Includes characters that change the writing direction, which would reorder a line.
bool is_control(char32_t code) {
  constexpr Range kControl[] = {{0, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
  return in(code, kControl);
}

// Width in columns; wide blocks follow Unicode's EastAsianWidth.txt (classes W and F).
size_t width_of(char32_t code) {
  constexpr Range kNone[] = {{0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},
                             {0x64B, 0x65F},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D},
                             {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
  constexpr Range kWide[] = {{0x1100, 0x115F},  {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
                             {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},
                             {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
                             {0x20000, 0x3FFFD}};
  return in(code, kNone) ? 0 : in(code, kWide) ? 2 : 1;
}

// The longest prefix that fits in `most` columns.
std::string_view head_of(std::string_view text, size_t most) {
  size_t bytes = 0, used = 0;
  while (bytes < text.size()) {
    const Character c = first_character(text.substr(bytes));
    used += width_of(c.code);
    if (used > most) break;
    bytes += c.bytes.size();
  }
  return text.substr(0, bytes);
}

std::string_view tail_of(std::string_view text, size_t most) {
  while (columns_of(text) > most) text.remove_prefix(first_character(text).bytes.size());
  return text;
}

std::vector<size_t> widths_of(const std::vector<Table::Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Table::Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  return widths;
}

// The cells cut to fit: the first of each row to what the others leave, the others to what fits next to the first.
std::vector<Table::Row> fitted_rows(const Table& table) {
  const size_t line = kTerminalColumns - table.indent;
  std::vector<Table::Row> rows = table.rows;
  for (Table::Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = i == 0 ? visible(row[i]) : fitted(row[i], line - kLeastName - kGap.size());
  size_t others = 0;
  const std::vector<size_t> widths = widths_of(rows);
  for (size_t i = 1; i < widths.size(); ++i) others += kGap.size() + widths[i];
  const size_t most = others + kLeastName < line ? line - others : kLeastName;
  for (Table::Row& row : rows) row[0] = fitted(row[0], most);
  return rows;
}

}  // namespace

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    columns += width_of(c.code);
    text.remove_prefix(c.bytes.size());
  }
  return columns;
}

std::string visible(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    text.remove_prefix(c.bytes.size());
    if (c.sound && !is_control(c.code)) {
      out += c.bytes;
      continue;
    }
    for (const char byte : c.bytes) {
      std::array<char, 4> hex{};
      std::snprintf(hex.data(), hex.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      out += hex.data();
    }
  }
  return out;
}

std::string fitted(std::string_view text, size_t most) {
  std::string shown = visible(text);
  if (columns_of(shown) <= most) return shown;
  const size_t kept = most - kCut.size();
  return std::string(head_of(shown, kept - kept / 2)).append(kCut).append(tail_of(shown, kept / 2));
}

void print_table(std::ostream& out, const Table& table) {
  const std::vector<Table::Row> rows = fitted_rows(table);
  const std::vector<size_t> widths = widths_of(rows);
  for (size_t begin = 1, end = 1; begin < widths.size(); begin = end) {
    size_t used = table.indent + widths[0];
    for (; end < widths.size() && (end == begin || used + kGap.size() + widths[end] <= kTerminalColumns); ++end)
      used += kGap.size() + widths[end];
    if (begin > 1) out << '\n';
    for (const Table::Row& row : rows) {
      std::string line(table.indent, ' ');
      const auto add = [&](size_t i) {
        const std::string pad(widths[i] - columns_of(row[i]), ' ');
        line += i == 0 ? row[i] + pad : pad + row[i];
      };
      add(0);
      for (size_t i = begin; i < end; ++i) {
        line += kGap;
        add(i);
      }
      out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
  }
}

}  // namespace polyscene::core
