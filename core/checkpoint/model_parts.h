// The files that a model on disk consists of, in a folder:
//   dense.safetensors    every dense parameter by name, float32, matrices [in, out] row-major
//   tables/NAME-RRRRR-of-NNNNN.safetensors
//                        one rank's rows, by logical partition, then key: keys int64 [rows], values float32 [rows,
//                        dim], partitions int64 [partitions of the rank + 1]: rows in front of each; with state also
//                        state float32 [rows, state_width], uses int32 [rows, 2]: last step, visits. The metadata say
//                        how many partitions all ranks have; files of earlier versions list them all
//   optimizer.safetensors
//                        with state: of dense parameters, by STATE/NAME
//   config.pbtxt         resolved configuration
//   scenarios.json       names of scenarios (ScenarioNames), where the files had any but int64 numbers
//
// Any number of ranks reads what any number of ranks wrote.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "core/session/model_state.h"
#include "embedding/table/table_snapshot.h"

namespace polyscene {

struct WrittenFile {
  std::string name;  // relative to the folder
  FileHash hash;
  std::map<std::string, uint64_t> tensors = {};  // of a safetensors file, XXH3 64 of their bytes
};

// Empty where the folder has none, as older ones. Throws DataError.
[[nodiscard]] ScenarioNames read_scenario_names(const std::string& folder);

// Without state, into a folder that is there, with its folder tables/: each rank its rows, rank 0 the rest. Returns the
// files of this rank. Names of scenarios are those that rank 0 knows. Throws DataError.
[[nodiscard]] std::vector<WrittenFile> write_parts(const std::string& folder, const config::Experiment& experiment,
                                                   const ModelState& model);

// What training goes on from, of this rank, as it was at one moment: with state of optimisers and uses of rows.
struct ModelCopy {
  std::vector<std::shared_ptr<TableSnapshot>> tables;
  Tensor dense;          // rank 0's, and
  DenseState optimizer;  // this too, and
  ScenarioNames scenarios;
};
// Collective; nothing may be queued on a device.
[[nodiscard]] ModelCopy copy_model(const ModelState& model);
// As write_parts(). Training may continue meanwhile: only names, shapes and places of the model are used. Releases
// tables. With `since`, of rows those that were trained after so many updates of the tables; a file of a table with a
// bound then has all its keys as `present` int64, ascending, because others are forgotten.
[[nodiscard]] std::vector<WrittenFile> write_copy(const std::string& folder, const config::Experiment& experiment,
                                                  const ModelState& model, ModelCopy copy,
                                                  std::optional<int64_t> since);

struct PartsToRead {
  bool state = false;  // of optimisers, and uses of rows
  // Per table the keys, ascending, whose rows are read; nullptr: all.
  const std::vector<std::vector<int64_t>>* wanted = nullptr;
};
// Loads dense parameters and this rank's rows. `folders`: the newest first, then what it adds to and so on; of a row
// the newest counts. Throws DataError naming the file and tensor that is missing or has another shape than the model.
void read_parts(const std::vector<std::string>& folders, const ModelState& model, const PartsToRead& parts);

// Steps of the dense optimiser in optimizer.safetensors. Throws DataError where the file does not say.
[[nodiscard]] int64_t saved_optimizer_steps(const SafetensorsFile& file, const std::string& path);

}  // namespace polyscene
