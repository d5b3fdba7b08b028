// Which columns a configuration reads, and what their types may be.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene {

enum class ColumnForm { kId, kIntegerId, kNumber, kLabel, kTime, kIdList, kNumberList, kAny };

// What a message says the column should be.
[[nodiscard]] const char* wanted_type(ColumnForm form);

struct ColumnRequest {
  std::string column;
  ColumnForm form;
  std::string user;  // who asks: `feature "age"`, `label "click"`, ...
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
