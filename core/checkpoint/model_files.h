// A trained model on disk: the parts of model_parts.h without optimiser state. Any safetensors library reads them.
#pragma once

#include <string>
#include <vector>

#include "core/session/model_state.h"

namespace polyscene::core {

// Advice for errors that report a damaged model.
inline constexpr const char* kRestoreModel =
    "restore it from a copy; or, if the run has checkpoints, remove the folder of that model and save it again with "
    "polyscene train --resume";

// Collective. Each rank writes its rows, and rank 0 everything else, into FOLDER.partial, which replaces the folder
// when all ranks have finished: the model in `folder` is always whole. Throws DataError on every rank when any rank
// failed.
void save_model(const std::string& folder, const config::Experiment& experiment, const ModelState& model);

// Collective. Loads dense parameters and this rank's rows, or only the rows of the keys in `wanted` (for each table,
// ascending). Compares all files with their hashes, except the files of tables when `wanted` is given. Throws DataError
// naming the file and tensor that is damaged, missing, of another shape than the model's, or holds a dense parameter
// that is not finite.
void load_model(const std::string& folder, const ModelState& model,
                const std::vector<std::vector<int64_t>>* wanted = nullptr);

}  // namespace polyscene::core
