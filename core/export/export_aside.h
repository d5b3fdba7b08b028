// Where a version is written before it has a number.
#pragma once

#include <string>

namespace polyscene {

// A folder OUTPUT/.partial-XXXXXX that goes unless it was published. Beside it lies a lock (flock) that lives as long
// as the process, so that the next export, on whatever host, tells what a killed one left.
class ExportAside {
 public:
  // Makes it, with a folder tables/, and removes what killed exports left in `output`. Throws DataError.
  explicit ExportAside(std::string output);
  ~ExportAside();
  ExportAside(const ExportAside&) = delete;
  ExportAside& operator=(const ExportAside&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Moves it into place as the next version, whose folder it returns; another export may take a number first. Throws
  // DataError.
  std::string publish();

 private:
  std::string output_, path_;
  int lock_ = -1;
};

}  // namespace polyscene
