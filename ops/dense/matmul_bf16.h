// Matrix products on inputs rounded to bfloat16, sums in float32. Not by oneDNN: it would round and repack the right
// side for every tile, and its own threads do not promise the same bits whatever their number.
#pragma once

#include "ops/dense/matmul_tiles.h"

namespace polyscene::ops {

// The tile of `product`, with `stride` floats from row to row of y, over inner steps [begin, end), from b as packed()
// made it. begin is even, t.col a multiple of 64.
void bf16_tile_product(const Product& product, const float* packed_b, const Tile& t, int64_t begin, int64_t end,
                       float* y, int64_t stride);

}  // namespace polyscene::ops
