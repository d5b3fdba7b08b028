// Optional columns, such as labels in prediction, that the files may lack.
#pragma once

#include <string>
#include <vector>

#include "core/data/batch_source.h"

namespace polyscene::core {

// Returns the columns that no file of the split has. Throws DataError naming the file when the first file lacks a
// column that a later file has. The opposite case, a column that only later files lack, is reported by
// make_parquet_source().
[[nodiscard]] std::vector<std::string> absent_columns(const config::Data& data, Split split,
                                                      std::vector<std::string> columns);

// Removes the labels that no file of the split has from `data`. Throws like absent_columns().
void leave_out_absent_labels(config::Data& data, Split split);

}  // namespace polyscene::core
