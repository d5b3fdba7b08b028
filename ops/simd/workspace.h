// Memory for tiles that a kernel keeps in the caches of one core.
#pragma once

#include <cstdint>

namespace polyscene::ops {

// Row lengths of tiles are padded to whole vectors of any instruction set.
[[nodiscard]] constexpr int64_t padded_cols(int64_t cols) { return (cols + 15) / 16 * 16; }
[[nodiscard]] constexpr int64_t panel_floats(int64_t inner, int64_t cols) { return inner * ((cols + 63) / 64 * 64); }

// Memory of the calling thread: `floats` floats, 64-byte aligned, contents undefined, valid until the thread's next
// call. Every call returns the same memory, so that it stays in the core's caches.
[[nodiscard]] float* thread_workspace(int64_t floats);

}  // namespace polyscene::ops
