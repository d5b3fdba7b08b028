// Files that appear whole or not at all, and hashes of files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct XXH3_state_s;

namespace polyscene::core {

// Size and XXH3 64 of a file.
struct FileHash {
  int64_t bytes = 0;
  uint64_t xxh3 = 0;
};
// Reads the whole file. Throws DataError naming the file.
[[nodiscard]] FileHash hash_file(const std::string& path);

// Writes PATH.partial; commit() syncs it and renames it to PATH. Without commit() the destructor removes what was
// written. Every failure is a DataError naming the file, the total bytes wanted and the bytes written.
class AtomicFile {
 public:
  AtomicFile(std::string path, int64_t wanted_bytes);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, int64_t bytes);
  void commit();

  [[nodiscard]] int64_t bytes() const { return written_bytes_; }
  // XXH3 64 of the bytes written so far.
  [[nodiscard]] uint64_t hash() const;

 private:
  [[noreturn]] void fail(const std::string& step, int error) const;
  void sync_folder() const;

  std::string path_, partial_;
  int64_t wanted_bytes_, written_bytes_ = 0, begun_bytes_ = 0;
  int file_ = -1;
  std::unique_ptr<XXH3_state_s, void (*)(XXH3_state_s*)> hash_;
};

}  // namespace polyscene::core
