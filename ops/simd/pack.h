// Weights as the right side of tile products.
#pragma once

#include "ops/graph/op.h"

namespace polyscene::ops {

// The row-major matrix w [inner, cols], or the transpose of w [cols, inner], as zero-padded panels (see
// tile_product-inl.h), in scratch memory.
[[nodiscard]] const float* packed(const float* w, int64_t inner, int64_t cols, bool transpose, Scratch& scratch);

}  // namespace polyscene::ops
