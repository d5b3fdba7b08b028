#include "core/features/column_request.h"

#include "core/features/feature_schema.h"
#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using config::Feature;
using Requests = std::vector<ColumnRequest>;

// The table of a feature: the configured one, else its name.
template <class Config>
const std::string& table_of(const Config& config, const std::string& name) {
  return config.has_table() ? config.table() : name;
}

void add_feature(Requests& requests, const config::Data& data, const Feature& feature) {
  const std::string& name = feature.name();
  const std::string user = str("feature \"", name, "\"");
  switch (feature.kind_case()) {
    case Feature::kCategorical: {
      const auto& field = feature.categorical();
      const bool ranged = field.has_min_id() || field.has_max_id();
      requests.push_back(
          {column_of(field, name), ranged ? ColumnForm::kIntegerId : ColumnForm::kId, user, table_of(field, name)});
      break;
    }
    case Feature::kBag:
      requests.push_back({column_of(feature.bag(), name), ColumnForm::kIdList, user, table_of(feature.bag(), name)});
      if (feature.bag().has_weight_column()) {
        requests.push_back({feature.bag().weight_column(), ColumnForm::kNumberList, user});
      }
      break;
    case Feature::kNumber:
      requests.push_back({column_of(feature.number(), name), ColumnForm::kNumber, user});
      break;
    case Feature::kSequence:
      for (const auto& side : feature.sequence().side()) {
        requests.push_back({side.column(), ColumnForm::kIdList, user, side_table(data, side)});
      }
      break;
    case Feature::KIND_NOT_SET:
      break;
  }
}

}  // namespace

const char* wanted_type(ColumnForm form) {
  switch (form) {
    case ColumnForm::kId:
      return "integers or strings";
    case ColumnForm::kIntegerId:
      return "integers (it has min_id or max_id)";
    case ColumnForm::kNumber:
      return "integers or floats";
    case ColumnForm::kLabel:
      return "integers, floats or bools holding 0 and 1";
    case ColumnForm::kTime:
      return "integers, timestamps or dates";
    case ColumnForm::kIdList:
      return "lists of integers or strings";
    case ColumnForm::kNumberList:
      return "lists of integers or floats";
    case ColumnForm::kAny:
      return "anything";
  }
  return "";
}

std::vector<ColumnRequest> column_requests(const config::Data& data) {
  Requests requests;
  for (const auto& feature : data.feature()) add_feature(requests, data, feature);
  for (const auto& label : data.label()) {
    requests.push_back({column_of(label, label.name()), ColumnForm::kLabel, str("label \"", label.name(), "\"")});
  }
  for (const auto& group : data.group()) {
    requests.push_back({column_of(group, group.name()), ColumnForm::kId, str("group \"", group.name(), "\"")});
  }
  if (!data.scenario_column().empty()) requests.push_back({data.scenario_column(), ColumnForm::kId, kScenarioColumn});
  if (!data.row_key_column().empty()) requests.push_back({data.row_key_column(), ColumnForm::kId, "row_key_column"});
  if (!data.time_column().empty()) requests.push_back({data.time_column(), ColumnForm::kTime, "time_column"});
  return requests;
}

ColumnSet::ColumnSet(const std::vector<ColumnRequest>& requests) {
  for (const auto& request : requests) {
    const auto [entry, fresh] = index_.emplace(request.column, static_cast<int>(names_.size()));
    if (fresh) names_.push_back(request.column);
  }
}

}  // namespace polyscene::core
