// A model's folder that stays while it is read, though training saves others meanwhile.
#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace polyscene {

class HeldModel {
 public:
  // The model that `path` is: a folder, or the link to one, which is followed once. A job that trains removes no model
  // that is held (flock on its configuration; where the file system passes no locks on, the model stays until the next
  // save after the one that took its place).
  explicit HeldModel(const std::string& path);

  // The model of a run: model/, or with `best` best_model/ where there is one. Throws InvalidArgument when there is
  // none, DataError when best_model/ names one that is gone.
  [[nodiscard]] static HeldModel of_run(const std::string& run, bool best);

  // Collective: the first rank's on all ranks, which each found one for itself; training may have saved another
  // meanwhile.
  [[nodiscard]] HeldModel agreed(Communicator& communicator) const;

  // Without links that training replaces.
  [[nodiscard]] const std::string& path() const { return path_; }

  // The file of a model's folder whose lock readers share.
  [[nodiscard]] static std::string lock_file(const std::string& folder) { return folder + "/config.pbtxt"; }

 private:
  std::string path_;
  std::shared_ptr<void> lock_;
};

}  // namespace polyscene
