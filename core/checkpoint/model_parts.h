// The files of a model on disk, in one folder:
//   dense.safetensors    every dense parameter by name, float32, matrices [in, out] row-major
//   tables/NAME-RRRRR-of-NNNNN.safetensors
//                        the rows of one rank, by logical partition, then key: keys int64 [rows], values float32 [rows,
//                        dim], partitions int64 [partitions of the rank + 1]: number of rows before each partition;
//                        with state also state float32 [rows, state_width], uses int32 [rows, 2]: last step, visits.
//                        The metadata hold the number of partitions of all ranks; a file of an earlier version has no
//                        such entry and lists the partitions of all ranks
//   optimizer.safetensors
//                        with state: the state of dense parameters, by STATE/NAME
//   config.pbtxt         resolved configuration
//   scenarios.json       names of scenarios (ScenarioNames), if the data files had any but int64 numbers
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

namespace polyscene::core {

struct WrittenFile {
  std::string name;  // relative to the folder
  FileHash hash;
  std::map<std::string, uint64_t> tensors = {};  // of a safetensors file: name -> XXH3 64 of its bytes
};

// Reads scenarios.json; empty when the folder has none, like older ones. Throws DataError.
[[nodiscard]] ScenarioNames read_scenario_names(const std::string& folder);

// Writes the parts without optimiser state into an existing folder that holds a folder tables/: each rank its rows,
// rank 0 everything else. The names of scenarios are those that rank 0 knows. Returns the files of this rank. Throws
// DataError.
[[nodiscard]] std::vector<WrittenFile> write_parts(const std::string& folder, const config::Experiment& experiment,
                                                   const ModelState& model);

// The contents of a checkpoint for this rank at one moment, with optimiser state and access statistics.
struct ModelCopy {
  std::vector<std::shared_ptr<embedding::TableSnapshot>> tables;
  Tensor dense;          // on rank 0 only
  DenseState optimizer;  // on rank 0 only
  ScenarioNames scenarios;
};
// Collective; no work may be queued on a device.
[[nodiscard]] ModelCopy copy_model(const ModelState& model);
// Like write_parts(), but with state. Training may continue in the meantime: of `model` only names, shapes and the
// assignment of rows to ranks are used. Releases each table after it is written. With `since`, writes only the rows
// that were trained after that number of table updates; files of a table with a bound on its rows then also list all
// its keys as `present`, int64, ascending: rows of other keys were evicted.
[[nodiscard]] std::vector<WrittenFile> write_copy(const std::string& folder, const config::Experiment& experiment,
                                                  const ModelState& model, ModelCopy copy,
                                                  std::optional<int64_t> since);

struct PartsToRead {
  bool state = false;  // also read optimiser state and access statistics
  // For each table the keys, ascending, whose rows are read; nullptr: all rows.
  const std::vector<std::vector<int64_t>>* wanted = nullptr;
};
// Loads dense parameters and this rank's rows. `folders`: a checkpoint, its base, the base of that and so on; the
// newest version of a row counts. Throws DataError naming the file and tensor that is missing or has another shape than
// the model's. Returns how many rows of this rank had no place in a table's max_rows, [tables].
[[nodiscard]] std::vector<int64_t> read_parts(const std::vector<std::string>& folders, const ModelState& model,
                                              const PartsToRead& parts);
// Collective. Warns, once for all ranks, of rows of `folder` that had no place.
void warn_of_dropped(std::vector<int64_t> dropped, const std::string& folder, const ModelState& model);

// Number of steps of the dense optimiser in optimizer.safetensors. Throws DataError when the file does not hold it.
[[nodiscard]] int64_t saved_optimizer_steps(const SafetensorsFile& file, const std::string& path);

}  // namespace polyscene::core
