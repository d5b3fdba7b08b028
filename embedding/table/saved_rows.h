// Rows of a table that are being saved or loaded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/plan/table_layout.h"
#include "embedding/table/row_tag.h"
#include "ops/base/error.h"

namespace polyscene::embedding {

// Rows to load: keys [n], values [n, dim], state [n, state_width] or empty, access statistics [n] or empty.
struct RowsIn {
  std::span<const int64_t> keys;
  std::span<const float> values, state = {};
  std::span<const AccessStatistics> accesses = {};
};

// Memory that receives rows, with the same lengths; state and access statistics are skipped if empty.
struct RowsOut {
  std::span<int64_t> keys;
  std::span<float> values, state = {};
  std::span<AccessStatistics> accesses = {};
};

// The same, with its own memory.
struct SavedRows {
  std::vector<int64_t> keys;
  std::vector<float> values, state;
  std::vector<AccessStatistics> accesses;

  [[nodiscard]] RowsIn view() const { return {keys, values, state, accesses}; }
  friend bool operator==(const SavedRows&, const SavedRows&) = default;
};

// Both throw InvalidArgument unless the lengths agree with each other and with the table.
void check_rows_in(const TableSpec& spec, const RowsIn& rows);
void check_rows_out(const TableSpec& spec, int64_t rows, const RowsOut& out);

// The rows that a rank owns, among `rows` of a table with specification `spec`. Checks the lengths.
[[nodiscard]] SavedRows rows_of_rank(const TableLayout& layout, int table, int rank, const TableSpec& spec,
                                     const RowsIn& rows);

// The rows that fit into the buckets of a bounded table: the most recently used ones of each bucket, by (last step,
// key), and the last row of a key that repeats. They are ordered by key if a row was dropped or repeats, else
// unchanged.
[[nodiscard]] SavedRows keep_newest(const TableLayout& layout, int table, const TableSpec& spec, SavedRows rows);

// The error if more keys of one step want a bucket than it has rows.
[[nodiscard]] InvalidArgument overfull_bucket(const TableSpec& spec, int64_t keys, int32_t slots);

}  // namespace polyscene::embedding
