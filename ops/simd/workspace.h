// Tiles that a kernel keeps in the caches of one core.
#pragma once

#include <cstdint>

namespace polyscene::ops {

// Row lengths of tiles are rounded up to whole vectors of any instruction set, panels to the widest panel.
[[nodiscard]] constexpr int64_t padded_cols(int64_t cols) { return (cols + 15) / 16 * 16; }
[[nodiscard]] constexpr int64_t panel_floats(int64_t inner, int64_t cols) { return inner * ((cols + 63) / 64 * 64); }

// Memory of the calling thread: `floats` floats, 64-byte aligned, contents undefined, valid until the thread's next
// call. The same memory each time, so that it stays in the core's caches.
[[nodiscard]] float* thread_workspace(int64_t floats);

}  // namespace polyscene::ops
