// metrics.jsonl: one JSON object per line, flushed line by line.
#pragma once

#include <fstream>
#include <string>

namespace polyscene {

class MetricsLog {
 public:
  // Creates or truncates the file; with `append` goes on behind what it holds. Throws DataError.
  explicit MetricsLog(std::string path, bool append = false);
  // `json` is one object without a line break (InvalidArgument otherwise). Throws DataError naming the file when it
  // cannot be written.
  void write(const std::string& json);

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace polyscene
