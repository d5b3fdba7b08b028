// Checks of the files of a model or a checkpoint against their hashes, in parallel with reading them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/model_parts.h"
#include "dist/communicator.h"

namespace polyscene::config {
class Experiment;
}

namespace polyscene::core {

// Collective. Writes files.pbtxt, the list of the files that all ranks wrote into a model's folder. `mine`: those of
// this rank.
void write_model_hashes(const std::string& folder, std::span<const WrittenFile> mine, dist::Communicator& communicator);

// Whether the folder is a model's and not a checkpoint's.
[[nodiscard]] bool is_model(const std::string& folder);

struct HashShare {
  int rank = 0, ranks = 1;  // every `ranks`-th file, beginning with file `rank`
  bool tables = true;       // false: only the files outside tables/
};
// A sentence for each damaged file of a model, or of a checkpoint and its bases. Throws DataError when the list of
// files cannot be read.
[[nodiscard]] std::vector<std::string> damage_of(const std::string& folder, const HashShare& share = {});
// A sentence that says what damage_of() cannot check because an earlier version wrote the folder; empty when it checks
// everything.
[[nodiscard]] std::string without_hash(const std::string& folder);

// The configuration that a model or a checkpoint was saved with, read by load_saved_experiment() after a check of its
// hash. Throws DataError naming the file, with `advice`, when it is damaged: otherwise a truncated file would be
// reported as a mistake of the user.
[[nodiscard]] config::Experiment load_whole_experiment(const std::string& folder, const std::string& advice,
                                                       const std::vector<std::string>& overrides = {});

// Collective. Runs `read` while a thread of each rank compares its share of the files with their hashes, so that each
// file is read from disk once. `tables` is HashShare::tables. Rank 0 prints without_hash() as a warning. Throws on
// every rank: DataError naming what is damaged, with `advice`, otherwise what `read` threw.
void read_checked(const std::string& folder, dist::Communicator& communicator, const std::string& advice,
                  const std::function<void()>& read, bool tables = true);

}  // namespace polyscene::core
