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
  // Creates folder/events.out.tfevents.<seconds>.<host>.polyscene. Throws DataError.
  EventFile(const std::string& folder, double wall_time_s);
  // One event with these scalars. Throws DataError when the disk is full.
  void write(double wall_time_s, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);
  void flush();

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace polyscene
