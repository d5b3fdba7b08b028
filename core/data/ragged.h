// What bags and sequences share: rules about list rows and the growth of ragged columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/list_rows.h"
#include "core/data/window.h"

namespace polyscene {

// Rejects null lists and null elements unless `nullable`, and elements that look like kMissingKey without being null.
// keys: the decoded elements of `rows`.
void check_id_lists(const ListRows& rows, const int64_t* keys, bool nullable, const std::string& column, int64_t first,
                    Window& window);

// Rejects rows whose lists differ in length.
void check_same_length(const ListRows& a, const ListRows& b, const std::string& column_a, const std::string& column_b,
                       int64_t first, Window& window);

// Appends the ends of rows of the given lengths. Throws DataError past 2^31 - 1 elements in one window.
void append_offsets(std::vector<int32_t>& offsets, const std::vector<int64_t>& lengths, const std::string& column);

// The decoded elements of `rows`: those of the array itself where they are keys already, else written to `scratch`.
[[nodiscard]] const int64_t* element_keys(const ListRows& rows, std::vector<int64_t>& scratch);

}  // namespace polyscene
