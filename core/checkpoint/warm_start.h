// Training that starts from parts of another model instead of initial values.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "core/session/model_state.h"

namespace polyscene {

struct WarmStartReport {
  std::string folder;                                     // that the model was taken from
  std::vector<std::string> tensors, tables;               // that were taken, by their names here
  std::vector<std::string> converted;                     // of the tables, those whose rows have another width, as text
  std::vector<int64_t> rows;                              // per table of those, on this rank
  std::vector<std::pair<std::string, std::string>> kept;  // that start as they would have, and why
  std::vector<std::string> unused;                        // of the other model, by their names there
};

// Fills what has the same name (train.warm_start renames) and shape there; a table's rows come without the state of its
// optimiser, which may be another one. Each rank takes its rows. Throws InvalidArgument on a shape that differs, unless
// told to skip or convert those, and where nothing matches; DataError naming a file that is damaged.
[[nodiscard]] WarmStartReport warm_start(const config::WarmStart& from, const ModelState& model);

void print(std::ostream& out, const WarmStartReport& report);

}  // namespace polyscene
