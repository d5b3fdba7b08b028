// Checks of list rows and appending to ragged columns, for bags and sequences.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/list_rows.h"
#include "core/data/window.h"

namespace polyscene::core {

// Rejects null lists and null elements unless `nullable`, and elements whose key is kMissingKey though they are not
// null. `keys`: the decoded elements of `rows`. `first`: row of the window that the first of `rows` is.
void check_id_lists(const ListRows& rows, const int64_t* keys, bool nullable, const std::string& column, int64_t first,
                    Window& window);

// Rejects rows whose lists `a` and `b` differ in length.
void check_same_length(const ListRows& a, const ListRows& b, const std::string& column_a, const std::string& column_b,
                       int64_t first, Window& window);

// Appends the end offsets of rows of the given lengths. Throws DataError above 2^31 - 1 elements in one window.
void append_offsets(std::vector<int32_t>& offsets, const std::vector<int64_t>& lengths, const std::string& column);

// The decoded elements of `rows`: the array's own memory if it holds keys already, else written to `scratch`.
[[nodiscard]] const int64_t* element_keys(const ListRows& rows, std::vector<int64_t>& scratch);

}  // namespace polyscene::core
