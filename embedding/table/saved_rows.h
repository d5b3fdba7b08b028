// Rows of a table on their way to or from a file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/plan/table_layout.h"
#include "embedding/table/row_tag.h"
#include "ops/base/error.h"

namespace polyscene {

// Rows to load: keys [n], values [n, dim], state [n, state_width] or empty, uses [n] or empty.
struct RowsIn {
  std::span<const int64_t> keys;
  std::span<const float> values, state = {};
  std::span<const RowUse> uses = {};
};

// Room for rows that are read: the same lengths; state and uses are left out where they are empty.
struct RowsOut {
  std::span<int64_t> keys;
  std::span<float> values, state = {};
  std::span<RowUse> uses = {};
};

// The same, as memory of its own.
struct SavedRows {
  std::vector<int64_t> keys;
  std::vector<float> values, state;
  std::vector<RowUse> uses;

  [[nodiscard]] RowsIn view() const { return {keys, values, state, uses}; }
  friend bool operator==(const SavedRows&, const SavedRows&) = default;
};

// Throws InvalidArgument unless the lengths fit together and the table.
void check_rows_in(const TableSpec& spec, const RowsIn& rows);
void check_rows_out(const TableSpec& spec, int64_t rows, const RowsOut& out);

// Those of the rows of a table, whose specification is `spec`, that a rank owns. Checks the lengths.
[[nodiscard]] SavedRows rows_of_rank(const TableLayout& layout, int table, int rank, const TableSpec& spec,
                                     const RowsIn& rows);

// Those that fit into the buckets of a table with a bound: of a bucket's rows the ones that were used last, by (last
// step, key); of a key that repeats the last row. In order of their keys where something was dropped or repeats, else
// as they were.
[[nodiscard]] SavedRows keep_newest(const TableLayout& layout, int table, const TableSpec& spec, SavedRows rows);

// The error for a bucket that more keys of one step want than it has rows.
[[nodiscard]] InvalidArgument overfull_bucket(const TableSpec& spec, int64_t keys, int32_t slots);

}  // namespace polyscene
