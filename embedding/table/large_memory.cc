#include "embedding/table/large_memory.h"

#include <sys/mman.h>

#include "ops/base/error.h"

namespace polyscene::embedding {

LargeMemory allocate_large(int64_t bytes) {
  constexpr int64_t kHugePage = int64_t{2} << 20;
  void* memory = nullptr;
  const size_t size = bytes;
  const int failure = ::posix_memalign(&memory, bytes >= kHugePage ? kHugePage : 64, size);
  require<DeviceError>(failure == 0, "[embedding.table] wanted ", bytes,
                       " bytes of host memory for rows, the system has none left; try more ranks on more hosts");
  // This is only advice: without huge pages the rows are correct too, just a little slower.
  if (bytes >= kHugePage) static_cast<void>(::madvise(memory, size, MADV_HUGEPAGE));
  return LargeMemory(static_cast<char*>(memory));
}

}  // namespace polyscene::embedding
