// Matrix products on inputs rounded to bfloat16, with float32 sums. oneDNN is not used: it would round and repack the
// right operand for every tile, and its threads do not guarantee the same bits for every thread count.
#pragma once

#include "ops/dense/matmul_tiles.h"

namespace polyscene::ops {

// op(a) and the matching `steps` inner steps of op(b), packed by packed().
struct PackedProduct {
  bool transpose_a;
  Part a;
  int64_t steps;
  const float* b;
};

// The granularity of cuts along the inner dimension: no instruction takes more steps at once.
inline constexpr int64_t kBf16Steps = 32;

// Computes the tile of `product` over inner steps [begin, end) and writes it to y, or adds it if `add`; `stride` is the
// row stride of y in floats. begin must be a multiple of kBf16Steps, t.col a multiple of 64.
void bf16_tile_product(const PackedProduct& product, const Tile& t, int64_t begin, int64_t end, bool add, float* y,
                       int64_t stride);

}  // namespace polyscene::ops
