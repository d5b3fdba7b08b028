// metrics.jsonl: one JSON object per line, flushed line by line.
#pragma once

#include <string>

#include "core/files/growing_file.h"

namespace polyscene::core {

class MetricsLog {
 public:
  // Creates or truncates the file; with `append` goes on behind what it holds. Throws DataError.
  explicit MetricsLog(std::string path, bool append = false);
  // `json` is one object without a line break (InvalidArgument otherwise). Throws DataError naming the file when it
  // cannot be written: the line is not there then, and the next may be.
  void write(const std::string& json);

 private:
  std::string path_;
  GrowingFile file_;
};

}  // namespace polyscene::core
