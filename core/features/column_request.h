// The columns that a configuration reads, and the types that they may have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

enum class ColumnForm { kId, kIntegerId, kNumber, kLabel, kTime, kIdList, kNumberList, kAny };

// Whether the values of such a column become keys, which other columns may share.
[[nodiscard]] inline bool is_id_form(ColumnForm form) {
  return form == ColumnForm::kId || form == ColumnForm::kIntegerId || form == ColumnForm::kIdList;
}

// The wanted type in words, for messages.
[[nodiscard]] const char* wanted_type(ColumnForm form);

// ColumnRequest::user of the scenario column.
inline constexpr char kScenarioColumn[] = "scenario_column";

struct ColumnRequest {
  std::string column;
  ColumnForm form;
  std::string user;        // what reads the column: `feature "age"`, `label "click"`, ...
  std::string table = {};  // the table whose keys a feature's ids are; empty otherwise
};

// One request for every use of a column. A column with several uses is read once.
[[nodiscard]] std::vector<ColumnRequest> column_requests(const config::Data& data);

// The columns of the requests, each once, in order of first use. index() is the column's place in a record batch.
class ColumnSet {
 public:
  explicit ColumnSet(const std::vector<ColumnRequest>& requests);
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] int index(const std::string& column) const { return index_.at(column); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, int> index_;
};

// The column of a feature, label or group: the configured one, else its name.
template <class Config>
[[nodiscard]] const std::string& column_of(const Config& config, const std::string& name) {
  return config.has_column() ? config.column() : name;
}

}  // namespace polyscene::core
