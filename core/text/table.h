// Tables for people at a terminal, with names that come from files: they may hold any bytes and be of any length.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace polyscene {

inline constexpr size_t kTerminalColumns = 80;

// Columns of a terminal that UTF-8 takes: two for a wide character (CJK, emoji), none for a combining one.
[[nodiscard]] size_t columns_of(std::string_view text);

// `text` with control characters, and bytes that are no UTF-8, as %XX.
[[nodiscard]] std::string visible(std::string_view text);

// Visible, and cut in its middle ("aaa...zzz") where it takes more columns than `most`.
[[nodiscard]] std::string fitted(std::string_view text, size_t most);

struct Table {
  using Row = std::vector<std::string>;
  std::vector<Row> rows;  // of equal length, the header first
  size_t indent = 0;      // spaces in front of each line
};

// No line is wider than a terminal: the first column is cut for the others, those that do not fit beside it all the
// same go below, behind another copy of it.
void print_table(std::ostream& out, const Table& table);

}  // namespace polyscene
