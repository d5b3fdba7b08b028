// A lock on a model's folder that keeps it while it is read, even if training saves other models in the meantime.
#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace polyscene::core {

class HeldModel {
 public:
  // `path` is a model's folder, or a link to one, which is followed once. A training job removes no model that is held
  // (by flock on its configuration; on a file system without locks, a replaced model stays until the next save).
  explicit HeldModel(const std::string& path);

  // The model of a run: model/, or with `best` best_model/ if there is one. Throws InvalidArgument when the run has no
  // model, and DataError when best_model/ is a link to a missing one.
  [[nodiscard]] static HeldModel of_run(const std::string& run, bool best);

  // Collective. Returns rank 0's model on all ranks. Ranks that looked up a model one by one may have found different
  // ones, because training saved another in between.
  [[nodiscard]] HeldModel agreed(dist::Communicator& communicator) const;

  // The folder itself, free of links that training replaces.
  [[nodiscard]] const std::string& path() const { return path_; }

  // The file in a model's folder on which readers hold a shared lock.
  [[nodiscard]] static std::string lock_file(const std::string& folder) { return folder + "/config.pbtxt"; }

 private:
  std::string path_;
  std::shared_ptr<void> lock_;
};

}  // namespace polyscene::core
