// A file that grows by whole records, such as a log. What a full disk does not take in whole is taken back, so that
// nobody ever reads half a record, and later ones may fit again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyscene {

class GrowingFile {
 public:
  // Empties the file, or with `append` goes on behind what it holds; makes it and its folder where they are not there.
  // Throws DataError naming the file and the reason.
  explicit GrowingFile(std::string path, bool append = false);
  // Flushes what waits; nobody learns of a failure.
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  // Reaches the file with the next flush().
  void add(std::string_view record) { waiting_ += record; }
  // Writes all that waits. Throws DataError; the file is then as it was after the last flush(), and what waited is
  // lost.
  void flush();
  // Cuts the file to its first `bytes` of bytes(), after a flush(). Throws DataError.
  void cut_back(int64_t bytes);

  // That are in the file.
  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void fail(const char* step, int error) const;

  std::string path_, waiting_;
  int file_ = -1;
  int64_t bytes_ = 0;
};

}  // namespace polyscene
