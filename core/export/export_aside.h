// The folder into which a version is written before it has a number.
#pragma once

#include <string>

namespace polyscene::core {

// A folder OUTPUT/.partial-XXXXXX, which the destructor removes unless it was published. A lock file (flock) beside it
// is locked as long as the process lives, so the next export, on any host, recognises what a killed one left.
class ExportAside {
 public:
  // Creates the folder, with a folder tables/ in it, and removes what killed exports left in `output`. Throws
  // DataError.
  explicit ExportAside(std::string output);
  ~ExportAside();
  ExportAside(const ExportAside&) = delete;
  ExportAside& operator=(const ExportAside&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Renames the folder to the next free version number and returns the version's folder. Throws DataError.
  std::string publish();

 private:
  std::string output_, path_;
  int lock_ = -1;
};

}  // namespace polyscene::core
