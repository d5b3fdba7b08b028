// TensorBoard event files: scalars by tag and step.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace polyscene {

class EventFile {
 public:
  // Creates folder/events.out.tfevents.<seconds>.<host>.polyscene, of the first second from then on whose file is not
  // there yet, and the folder. Throws DataError.
  EventFile(const std::string& folder, double wall_time_s);
  // One event with these scalars. Reaches the file at once when the last one to do so is 10 s of wall time old, so that
  // TensorBoard can follow a run. Throws DataError when the disk is full.
  void write(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);
  // Everything written so far reaches the file. Throws DataError.
  void flush();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void put(const std::string& event);

  std::string path_;
  std::ofstream out_;
  double flushed_s_;  // wall time
};

}  // namespace polyscene
