// Which columns a configuration reads, and what their types may be.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene {

enum class ColumnForm { kId, kIntegerId, kNumber, kLabel, kTime, kIdList, kNumberList, kAny };

// Whether its values become keys that others may share.
[[nodiscard]] inline bool is_id_form(ColumnForm form) {
  return form == ColumnForm::kId || form == ColumnForm::kIntegerId || form == ColumnForm::kIdList;
}

// What a message says the column should be.
[[nodiscard]] const char* wanted_type(ColumnForm form);

// Who asks for the column of scenarios.
inline constexpr char kScenarioColumn[] = "scenario_column";

struct ColumnRequest {
  std::string column;
  ColumnForm form;
  std::string user;        // who asks: `feature "age"`, `label "click"`, ...
  std::string table = {};  // whose keys a feature's ids are
};

// Every use of a column; one column may be used several times and is read once.
[[nodiscard]] std::vector<ColumnRequest> column_requests(const config::Data& data);

// The columns of the requests, each once, in order of first use: column i of a record batch.
class ColumnSet {
 public:
  explicit ColumnSet(const std::vector<ColumnRequest>& requests);
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] int index(const std::string& column) const { return index_.at(column); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, int> index_;
};

// The column of a feature, label or group: as given, else its name.
template <class Config>
[[nodiscard]] const std::string& column_of(const Config& config, const std::string& name) {
  return config.has_column() ? config.column() : name;
}

}  // namespace polyscene
