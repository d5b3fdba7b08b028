#include "core/data/carried_columns.h"

#include <set>

#include "ops/base/error.h"

namespace polyscene::core {

std::vector<CarriedColumn> prediction_columns(const config::Data& data, const std::vector<std::string>& more) {
  std::vector<CarriedColumn> carried = {{data.row_key_column(), "row_key", "row_key_column", true}};
  if (!data.scenario_column().empty()) carried.push_back({data.scenario_column(), "scenario", "scenario_column", true});
  for (const auto& group : data.group())
    carried.push_back(
        {column_of(group, group.name()), "group_" + group.name(), str("group \"", group.name(), "\""), true});
  std::set<std::string> own = {"logit", "probability"}, seen;
  for (const CarriedColumn& column : carried) own.insert(column.name);
  for (const auto& label : data.label()) own.insert("label_" + label.name());
  for (const std::string& column : more) {
    require(!column.empty(), "[data] wanted names of columns to carry, got an empty one; write --carry COLUMN,...");
    require(!own.contains(column), "[data] wanted --carry columns with names that predictions do not have, got \"",
            column, "\"; leave it out, or rename it in the file");
    require(seen.insert(column).second, "[data] --carry names column \"", column, "\" twice; name it once");
    carried.push_back({column, column, "--carry", false});
  }
  return carried;
}

std::vector<ColumnRequest> column_requests(const std::vector<CarriedColumn>& carried) {
  std::vector<ColumnRequest> requests;
  for (const CarriedColumn& c : carried)
    if (!c.column.empty()) requests.push_back({c.column, ColumnForm::kAny, c.user});
  return requests;
}

}  // namespace polyscene::core
