#include "core/export/copy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/export/atomic_file.h"
#include "ops/base/error.h"
#include "ops/tensor/tensor.h"

namespace polyscene {
namespace {

// A file that is open for reading as long as this lives.
class SourceFile {
 public:
  explicit SourceFile(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) fail();
  }
  ~SourceFile() { ::close(file_); }
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  [[nodiscard]] int64_t bytes() const {
    struct stat info {};
    if (::fstat(file_, &info) != 0) fail();
    return info.st_size;
  }
  // 0 at the end.
  [[nodiscard]] int64_t read(void* block, size_t bytes) const {
    ssize_t got = 0;
    while ((got = ::read(file_, block, bytes)) < 0)
      if (errno != EINTR) fail();
    return got;
  }

 private:
  [[noreturn]] void fail() const { throw DataError(str("[export] cannot read ", path_, ": ", std::strerror(errno))); }

  const std::string& path_;
  int file_;
};

}  // namespace

void copy_file(const std::string& from, const std::string& to) {
  constexpr size_t kBlock = size_t{1} << 20;
  const SourceFile source(from);
  AtomicFile copy(to, source.bytes());
  const std::shared_ptr<void> block = allocate_host(kBlock);
  while (const int64_t got = source.read(block.get(), kBlock)) copy.write(block.get(), got);
  copy.commit();
}

}  // namespace polyscene
