// Columns that pass from the files into predictions unchanged: row key, scenario, groups, and what the user asks for
// beside scores. Nothing is read or copied unless such columns are requested.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/column_request.h"

namespace polyscene::core {

struct CarriedColumn {
  std::string column;  // column in the files; empty: the running number of the row in the split
  std::string name;    // column in Batch::carried
  std::string user;    // what reads the column, for messages
  // Keys are converted to int64 (uint64 if the files have unsigned 64-bit ones), strings or binary, whatever width and
  // encoding each file has. Other columns, and keys of other types, keep their type, which must be the same in all
  // files.
  bool key = false;
};

// The columns that predictions take from the files: row_key, scenario (if there is a scenario column), group_NAME, then
// the columns `more` under their own names. Throws InvalidArgument if one of `more` is given twice or has the name of
// another column of the predictions.
[[nodiscard]] std::vector<CarriedColumn> prediction_columns(const config::Data& data,
                                                            const std::vector<std::string>& more);

// The columns to read for them.
[[nodiscard]] std::vector<ColumnRequest> column_requests(const std::vector<CarriedColumn>& carried);

}  // namespace polyscene::core
