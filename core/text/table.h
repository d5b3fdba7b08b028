// Tables for a terminal. Names in them come from files, so they may hold any bytes and have any length.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace polyscene::core {

inline constexpr size_t kTerminalColumns = 80;

// Columns of a terminal that a UTF-8 text takes: two for a wide character (CJK, emoji), none for a combining one.
[[nodiscard]] size_t columns_of(std::string_view text);

// `text` with control characters, and bytes that are not UTF-8, as %XX.
[[nodiscard]] std::string visible(std::string_view text);

// visible(text), cut in the middle ("aaa...zzz") if it takes more than `most` columns.
[[nodiscard]] std::string fitted(std::string_view text, size_t most);

struct Table {
  using Row = std::vector<std::string>;
  std::vector<Row> rows;  // rows of equal length, the header first
  size_t indent = 0;      // spaces at the start of each line
};

// Prints the table with no line wider than a terminal. The first column is cut to make room for the others. Columns
// that still do not fit are printed below, next to another copy of the first column.
void print_table(std::ostream& out, const Table& table);

}  // namespace polyscene::core
