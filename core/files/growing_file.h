// A file that grows by whole records, such as a log. If a full disk takes only a part of a write, the part is removed,
// so the file never holds half a record, and later records may fit again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyscene::core {

class GrowingFile {
 public:
  // Empties the file, or with `append` continues after its contents. Creates the file and its folder if they are
  // missing. Throws DataError naming the file and the reason.
  explicit GrowingFile(std::string path, bool append = false);
  // Flushes waiting records and ignores failures.
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  // Adds a record, which the next flush() writes.
  void add(std::string_view record) { waiting_ += record; }
  // Writes all waiting records. Throws DataError; then the file is as after the last flush(), and the waiting records
  // are lost.
  void flush();
  // Truncates the file to its first `bytes` bytes. Call it after flush(). Throws DataError.
  void cut_back(int64_t bytes);

  // Number of bytes in the file.
  [[nodiscard]] int64_t bytes() const { return bytes_; }

 private:
  [[noreturn]] void fail(const char* step, int error) const;

  std::string path_, waiting_;
  int file_ = -1;
  int64_t bytes_ = 0;
};

}  // namespace polyscene::core
