// Row groups of another size for existing Parquet files: the reader shuffles whole row groups, so it needs many
// (README.md, "Order").
#pragma once

#include <cstdint>
#include <string>

namespace polyscene::core {

struct CutFile {
  int64_t rows = 0;
  int64_t groups_before = 0, groups_after = 0;
};

// Writes the rows of the Parquet file `from` to the file `to`, in their order, in row groups of `row_group_rows` (the
// last one may be smaller). Columns keep names, types, values, compression and metadata. `to` appears whole or not at
// all. Memory: one row group of the new size. Throws DataError naming the file that cannot be read or written.
[[nodiscard]] CutFile cut_row_groups(const std::string& from, const std::string& to, int64_t row_group_rows);

}  // namespace polyscene::core
