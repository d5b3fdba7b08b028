// Columns that pass through to predictions with the values that the files have: keys of rows, scenario and groups, and
// whatever else is wanted beside scores. Only who asks for them pays for them.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/column_request.h"

namespace polyscene {

struct CarriedColumn {
  std::string column;  // of the files; empty: the running number of the row in the split
  std::string name;    // in Batch::carried
  std::string user;    // who asks, for messages
  // Keys come as int64, as uint64 where the files have unsigned ones of 64 bits, or as strings or binary, whatever
  // width and encoding each file has. Other columns, and keys of other types, come in their own type, one for all
  // files.
  bool key = false;
};

// What predictions have of the files: row_key, scenario (where there is a scenario column), group_NAME, then the
// columns `more`, which are named as they are. Throws InvalidArgument where one of `more` is there twice or has the
// name of a column that predictions have anyway.
[[nodiscard]] std::vector<CarriedColumn> prediction_columns(const config::Data& data,
                                                            const std::vector<std::string>& more);

// What is read for them.
[[nodiscard]] std::vector<ColumnRequest> column_requests(const std::vector<CarriedColumn>& carried);

}  // namespace polyscene
