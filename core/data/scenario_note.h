// A note for configurations whose model gets the scenario as a feature while the metrics do not know it.
#pragma once

#include <string>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// A sentence if a feature has role SCENARIO but data.scenario_column is not set: then all rows count as one scenario,
// and S-GAUC equals the AUC. "" otherwise.
[[nodiscard]] std::string scenario_note(const config::Data& data);

}  // namespace polyscene::core
