// Matrix products on inputs rounded to bfloat16, sums in float32. Not by oneDNN: it would round and repack the right
// side for every tile, and its own threads do not promise the same bits whatever their number.
#pragma once

#include "ops/dense/matmul_tiles.h"

namespace polyscene::ops {

// op(a) and, as packed() made it, the op(b) of `steps` inner steps that it meets.
struct PackedProduct {
  bool transpose_a;
  Part a;
  int64_t steps;
  const float* b;
};

// Inner steps that must not be torn apart: no instruction takes more of them at once.
inline constexpr int64_t kBf16Steps = 32;

// The tile of `product` over inner steps [begin, end), written to y or added to it, `stride` floats from row to row.
// begin is a multiple of kBf16Steps, t.col a multiple of 64.
void bf16_tile_product(const PackedProduct& product, const Tile& t, int64_t begin, int64_t end, bool add, float* y,
                       int64_t stride);

}  // namespace polyscene::ops
