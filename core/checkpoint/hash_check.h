// Whether the files of a model or a checkpoint are as they were written, found out beside whoever reads them.
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

namespace polyscene {

// Collective. Writes files.pbtxt, which lists what each rank wrote into a model's folder.
void write_model_hashes(const std::string& folder, std::span<const WrittenFile> mine, Communicator& communicator);

// A model's folder, rather than a checkpoint's.
[[nodiscard]] bool is_model(const std::string& folder);

struct HashShare {
  int rank = 0, ranks = 1;  // every `ranks`-th file from `rank` on
  bool tables = true;       // false: only what is outside of tables/
};
// Files of a model, or of a checkpoint and those that it adds to, which are not as they were written, each as a
// sentence. Throws DataError where their list cannot be read.
[[nodiscard]] std::vector<std::string> damage_of(const std::string& folder, const HashShare& share = {});
// Says in a sentence what damage_of() cannot see, since an earlier program wrote the folder; empty: nothing.
[[nodiscard]] std::string without_hash(const std::string& folder);

// The configuration that a model or a checkpoint was saved with, as load_saved_experiment() reads it. Throws DataError
// naming the file, with `advice`, where it is not as it was written: a cut one would be blamed on who wrote it.
[[nodiscard]] config::Experiment load_whole_experiment(const std::string& folder, const std::string& advice,
                                                       const std::vector<std::string>& overrides = {});

// Collective. Runs `read` while a thread of each rank compares its share of the files with their hashes, so that each
// file is read once; rank 0 warns of what without_hash() says. Throws on every rank: DataError naming what is damaged,
// with `advice`, else what `read` threw.
void read_checked(const std::string& folder, Communicator& communicator, const std::string& advice,
                  const std::function<void()>& read, bool tables = true);

}  // namespace polyscene
