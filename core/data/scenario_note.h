// A model that is told the scenario, and metrics that are not.
#pragma once

#include <string>

#include "core/config/experiment.pb.h"

namespace polyscene {

// A sentence, where a feature has role SCENARIO but data.scenario_column is not set: all rows then are one scenario,
// and S-GAUC is the AUC. "" otherwise.
[[nodiscard]] std::string scenario_note(const config::Data& data);

}  // namespace polyscene
