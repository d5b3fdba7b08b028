// Files of models, checkpoints and exports, opened for reading.
#pragma once

#include <cstddef>
#include <string>

namespace polyscene {

// A regular file. A pipe in its place would wait for a writer for ever, and a device need not have an end.
class ReadableFile {
 public:
  // Throws DataError naming the file, and what is there instead.
  explicit ReadableFile(const std::string& path);
  ~ReadableFile();
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // As they were when it was opened.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  int descriptor_;
  size_t bytes_ = 0;
};

// A text of some kilobytes. Throws DataError naming the file.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace polyscene
