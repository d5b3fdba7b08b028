#include "core/export/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ops/base/error.h"

namespace polyscene {
namespace {

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

void expect_mapped(const void* begin, size_t bytes) {
  constexpr uintptr_t kPage = 4096;
  const auto address = reinterpret_cast<uintptr_t>(begin), from = address / kPage * kPage;
  if (bytes > 0) static_cast<void>(::madvise(reinterpret_cast<void*>(from), address + bytes - from, MADV_WILLNEED));
}

MappedFile::MappedFile(const std::string& path) {
  const auto fail = [&](const std::string& reason) {
    throw DataError(str("[export] cannot read ", path, ": ", reason));
  };
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (file.number < 0 || ::fstat(file.number, &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("wanted a file, got a folder or device");
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;  // nothing to map
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (mapped == MAP_FAILED) fail(std::strerror(errno));
  data_ = static_cast<const char*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace polyscene
