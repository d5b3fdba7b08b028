// Packs the right operands of products into panels (see tile_product-inl.h).
#pragma once

#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// The contents of packed matrices and tiles.
enum class Cells : uint8_t { kFloat32, kBfloat16 };

// The row-major matrix w [inner, cols], or the transpose of w [cols, inner], as panels in scratch memory.
[[nodiscard]] const float* packed(const float* w, int64_t inner, int64_t cols, bool transpose, Cells cells,
                                  Scratch& scratch);

}  // namespace polyscene::ops
