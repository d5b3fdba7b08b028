// Float matrix products, by oneDNN or on bfloat16, cut into tiles that depend on the shape alone and computed by one
// thread each: the same bits on any number of threads, which oneDNN's own threading does not promise.
#pragma once

#include <functional>

#include "ops/graph/op.h"

namespace polyscene::ops {

// y [rows, cols] = op(a) op(b) as in matmul.h; all row-major and dense.
struct Product {
  bool transpose_a = false, transpose_b = false;
  bool bf16 = false;  // inputs rounded to bfloat16
  int64_t rows = 0, inner = 0, cols = 0;
  const float *a = nullptr, *b = nullptr;
  float* y = nullptr;
};

// Rows and columns of y, ends exclusive.
struct Tile {
  int64_t row, row_end, col, col_end;
};

// Calls done(tile) once for every tile of y when it is complete and still in the caches of the calling thread.
void tiled_product(const Product& product, Scratch& scratch, const std::function<void(const Tile&)>& done);

}  // namespace polyscene::ops
