// Float matrix products, with oneDNN or on bfloat16, cut into tiles that depend on the shape alone. One thread computes
// each tile, so the bits are the same for any number of threads, which oneDNN's own threading does not guarantee.
#pragma once

#include <functional>
#include <vector>

#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// One of the matrices that together form the left operand; row-major and dense by itself.
struct Part {
  const float* data;
  int64_t cols;
};

// y [rows, cols] = op(a) op(b) like in matmul.h; b and y are row-major and dense. The parts of a split the inner steps,
// or the rows of y if a is transposed, so nothing has to be concatenated. transpose_b requires one part or transpose_a.
struct Product {
  bool transpose_a = false, transpose_b = false;
  bool bf16 = false;  // inputs rounded to bfloat16
  int64_t rows = 0, inner = 0, cols = 0;
  std::vector<Part> a;
  const float* b = nullptr;
  float* y = nullptr;
};

// The first `count` inputs of a kernel as the parts of the left operand.
[[nodiscard]] std::vector<Part> parts_of(std::span<const TensorView> inputs, size_t count);

// Rows and columns of y; ends are exclusive.
struct Tile {
  int64_t row, row_end, col, col_end;
};

// Calls done(tile) once for every tile of y when it is complete and still in the caches of the calling thread.
void tiled_product(const Product& product, Scratch& scratch, const std::function<void(const Tile&)>& done);

}  // namespace polyscene::ops
