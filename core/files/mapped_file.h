// A file's bytes, mapped into memory for reading.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace polyscene {

// The system may begin to read so many bytes of a mapped file, which are wanted soon.
void expect_mapped(const void* begin, size_t bytes);

class MappedFile {
 public:
  // Throws DataError naming the file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Write-protected, starts at a page.
  [[nodiscard]] std::span<const char> bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace polyscene
