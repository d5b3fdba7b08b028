// Columns that a use of the files could do without.
#pragma once

#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene {

// Those of the columns that no file of the split has. Throws DataError naming the file where it lacks one that a later
// file has; what the first file has and another one lacks, make_parquet_source() says.
[[nodiscard]] std::vector<std::string> absent_columns(const config::Data& data, Split split,
                                                      std::vector<std::string> columns);

// Takes labels that no file of the split has out of `data`. Throws like absent_columns().
void leave_out_absent_labels(config::Data& data, Split split);

}  // namespace polyscene
