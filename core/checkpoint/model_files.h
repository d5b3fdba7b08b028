// A trained model on disk: the parts of model_parts.h, without state; any safetensors library reads them.
#pragma once

#include <string>
#include <vector>

#include "core/session/model_state.h"

namespace polyscene {

// What to do about a model that is damaged.
inline constexpr const char* kRestoreModel =
    "restore it from a copy; or remove the folder of that model, and polyscene train --resume saves one anew where the "
    "run has checkpoints";

// Collective. Each rank writes its rows, rank 0 the rest, into FOLDER.partial, which takes the folder's place once all
// have: the model there is always whole. Throws DataError on every rank when any rank failed.
void save_model(const std::string& folder, const config::Experiment& experiment, const ModelState& model);

// Collective. Loads dense parameters and this rank's rows, or of those the `wanted` ones (per table ascending keys);
// then the files of tables are not compared with their hashes, which else all are. Throws DataError naming the file and
// tensor that is damaged, missing, of another shape than the model, or of dense parameters not finite.
void load_model(const std::string& folder, const ModelState& model,
                const std::vector<std::vector<int64_t>>* wanted = nullptr);

}  // namespace polyscene
