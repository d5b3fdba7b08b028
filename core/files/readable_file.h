// Files of models, checkpoints and exports, opened for reading.
#pragma once

#include <cstddef>
#include <string>

namespace polyscene::core {

// A regular file. Others are refused: opening a pipe would wait for a writer forever, and a device may have no end.
class ReadableFile {
 public:
  // Throws DataError naming the file and, if it is not a regular file, what it is.
  explicit ReadableFile(const std::string& path);
  ~ReadableFile();
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Size of the file when it was opened.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  int descriptor_;
  size_t bytes_ = 0;
};

// Reads a small text file (kilobytes). Throws DataError naming the file.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace polyscene::core
