// Files mapped into memory for reading.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace polyscene::core {

// Tells the system that these bytes of a mapped file will be needed soon, so that it may start to read them.
void expect_mapped(const void* begin, size_t bytes);

class MappedFile {
 public:
  // Throws DataError naming the file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // The file's bytes: write-protected, aligned to a page.
  [[nodiscard]] std::span<const char> bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace polyscene::core
