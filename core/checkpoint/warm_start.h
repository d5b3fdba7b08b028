// Warm start: training that starts from parts of another model instead of initial values.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "core/session/model_state.h"

namespace polyscene::core {

struct WarmStartReport {
  std::string folder;                                     // of the other model
  std::vector<std::string> tensors, tables;               // that were loaded, by their names in this model
  std::vector<std::string> converted;                     // tables whose rows were converted to another width, as text
  std::vector<int64_t> rows;                              // loaded rows of each of `tables`, over all ranks
  std::vector<std::pair<std::string, std::string>> kept;  // that keep initial values, and why
  std::vector<std::string> unused;                        // of the other model, by their names there
};

// Collective. Loads the dense tensors and tables that have the same name (after train.warm_start.rename) and shape in
// the other model. Rows are loaded without optimiser state, because the optimiser may be another one. Each rank loads
// its rows. Throws InvalidArgument when a shape differs, unless `from.mismatch` says to skip or convert it, and when
// nothing matches; DataError naming a damaged file.
[[nodiscard]] WarmStartReport warm_start(const config::WarmStart& from, const ModelState& model);

void print(std::ostream& out, const WarmStartReport& report);

}  // namespace polyscene::core
