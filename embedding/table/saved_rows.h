// Rows of a table on their way to or from a file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/plan/table_layout.h"

namespace polyscene {

// Throws InvalidArgument unless there are keys [n], values [n, dim] and state [n, state_width] or none.
void check_row_lengths(const TableSpec& spec, std::span<const int64_t> keys, std::span<const float> values,
                       std::span<const float> state);

struct SavedRows {
  std::vector<int64_t> keys;         // [n]
  std::vector<float> values, state;  // [n, dim], [n, state_width] or empty
};

// Those of the rows of a table, whose specification is `spec`, that a rank owns. Checks the lengths.
[[nodiscard]] SavedRows rows_of_rank(const TableLayout& layout, int table, int rank, const TableSpec& spec,
                                     std::span<const int64_t> keys, std::span<const float> values,
                                     std::span<const float> state);

}  // namespace polyscene
