#pragma once

#include <cstdint>

#include "ops/base/error.h"

namespace polyscene::simt {

inline constexpr int kWarpSize = 32;
// Limits that every supported device fulfils.
inline constexpr int64_t kMostBlocks = 2147483647, kMostSharedBytes = 99 * 1024;

// The number of threads that run a kernel and the bytes of shared memory per block. A block has whole warps only,
// because a mask that names lanes that do not exist would have no defined meaning.
struct LaunchShape {
  int64_t blocks;  // 0: nothing runs
  int threads;     // per block
  int64_t shared_bytes = 0;
};

// Throws InvalidArgument naming the kernel.
inline void check_launch(const char* kernel, const LaunchShape& s) {
  const bool fits = s.blocks >= 0 && s.blocks <= kMostBlocks && s.threads >= kWarpSize && s.threads <= 1024 &&
                    s.threads % kWarpSize == 0 && s.shared_bytes >= 0 && s.shared_bytes <= kMostSharedBytes;
  require(fits, "[ops.simt] kernel ", kernel, " wanted 0 to ", kMostBlocks,
          " blocks of 32, 64 ... 1024 threads and 0 to ", kMostSharedBytes, " bytes of shared memory, got ", s.blocks,
          " blocks of ", s.threads, " threads and ", s.shared_bytes, " bytes");
}

}  // namespace polyscene::simt
