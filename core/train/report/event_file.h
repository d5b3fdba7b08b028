// TensorBoard event files: scalars by tag and step.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/files/growing_file.h"

namespace polyscene::core {

class EventFile {
 public:
  // Creates folder/events.out.tfevents.<seconds>.<host>.polyscene, of the first second from then on whose file is not
  // there yet, and the folder. Throws DataError.
  EventFile(const std::string& folder, double wall_time_s);
  // One event with these scalars. Reaches the file at once when the last one to do so is 10 s of wall time old, so that
  // TensorBoard can follow a run. Throws DataError when the disk is full: what did not reach the file is lost then.
  void write(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);
  // Everything written so far reaches the file. Throws DataError.
  void flush();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  GrowingFile file_;
  double flushed_s_;  // wall time
};

}  // namespace polyscene::core
