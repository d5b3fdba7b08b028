#include "core/data/scenario_note.h"

#include "core/features/column_request.h"
#include "ops/base/error.h"

namespace polyscene::core {

std::string scenario_note(const config::Data& data) {
  if (!data.scenario_column().empty()) return "";
  for (const config::Feature& feature : data.feature()) {
    if (feature.role() != config::Feature::SCENARIO) continue;
    const std::string column =
        feature.has_categorical() ? column_of(feature.categorical(), feature.name()) : std::string("COLUMN");
    return str("data.scenario_column is not set, so all rows are one scenario and S-GAUC is the AUC; feature \"",
               feature.name(), "\" has role SCENARIO: try --set data.scenario_column=", column);
  }
  return "";
}

}  // namespace polyscene::core
