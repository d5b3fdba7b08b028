// A file that appears whole or not at all.
#pragma once

#include <cstdint>
#include <string>

namespace polyscene {

// Writes PATH.partial; commit() syncs it and renames it to PATH. Destroyed without commit, it removes what it wrote.
// Every failure is a DataError naming the file, the bytes wanted in all and the bytes that went in.
class AtomicFile {
 public:
  AtomicFile(std::string path, int64_t wanted_bytes);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, int64_t bytes);
  void commit();

 private:
  [[noreturn]] void fail(const std::string& step, int error) const;
  void sync_folder() const;

  std::string path_, partial_;
  int64_t wanted_bytes_, written_bytes_ = 0;
  int file_ = -1;
};

}  // namespace polyscene
