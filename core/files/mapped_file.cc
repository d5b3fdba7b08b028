#include "core/files/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "core/files/readable_file.h"
#include "ops/base/error.h"

namespace polyscene::core {
void expect_mapped(const void* begin, size_t bytes) {
  constexpr uintptr_t kPage = 4096;
  const auto address = reinterpret_cast<uintptr_t>(begin), from = address / kPage * kPage;
  if (bytes > 0) static_cast<void>(::madvise(reinterpret_cast<void*>(from), address + bytes - from, MADV_WILLNEED));
}

MappedFile::MappedFile(const std::string& path) {
  const ReadableFile file(path);
  size_ = file.bytes();
  if (size_ == 0) return;  // nothing to map
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  require<DataError>(mapped != MAP_FAILED, "[files] cannot read ", path, ": ", std::strerror(errno));
  data_ = static_cast<const char*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace polyscene::core
