#include "core/files/copy_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/files/atomic_file.h"
#include "core/files/readable_file.h"
#include "ops/base/error.h"
#include "ops/tensor/tensor.h"

namespace polyscene::core {
namespace {

// Returns the number of bytes read, 0 at the end of the file.
int64_t read_block(const std::string& path, const ReadableFile& file, void* block, size_t bytes) {
  ssize_t got = 0;
  while ((got = ::read(file.descriptor(), block, bytes)) < 0)
    require<DataError>(errno == EINTR, "[files] cannot read ", path, ": ", std::strerror(errno));
  return got;
}

}  // namespace

void copy_file(const std::string& from, const std::string& to) {
  constexpr size_t kBlock = size_t{1} << 20;
  const ReadableFile source(from);
  AtomicFile copy(to, source.bytes());
  const std::shared_ptr<void> block = allocate_host(kBlock);
  while (const int64_t got = read_block(from, source, block.get(), kBlock)) copy.write(block.get(), got);
  copy.commit();
}

}  // namespace polyscene::core
