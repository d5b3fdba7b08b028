// Sums over the rows of a matrix, in an order that depends on its shape alone: blocks of rows in float, then the blocks
// in double.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

inline constexpr int64_t kColumnSumRows = 256;  // per block

// partial [row blocks, cols]: a block of threads sums kColumnSumRows rows of 32 columns, its warps taking turns. What
// it sums is term(at) of the element at row * cols + col.
template <class Term>
struct ColumnPartials {
  Term term;
  simt::Global<float> partial;
  int64_t rows, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const auto room = t.shared<float>(simt::kThreads);
    const int64_t chunks = simt::ceil_div(cols, simt::kWarpSize), block = t.block() / chunks;
    const int64_t col = t.block() % chunks * simt::kWarpSize + t.lane();
    const int64_t end = simt::minimum(rows, (block + 1) * kColumnSumRows);
    float sum = 0;
    if (col < cols)
      for (int64_t row = block * kColumnSumRows + t.warp(); row < end; row += t.warps()) sum += term(row * cols + col);
    room.store(t.thread(), sum);
    t.sync();
    if (t.warp() > 0 || col >= cols) return;
    for (int w = 1; w < t.warps(); ++w) sum += room.load(w * simt::kWarpSize + t.lane());
    partial.store(block * cols + col, sum);
  }
};

// The term of a matrix's own elements.
struct Element {
  simt::Global<const float> x;
  POLYSCENE_DEVICE float operator()(int64_t at) const { return x.load(at); }
};

struct AddPartials {
  simt::Global<const float> partial;
  simt::Global<float> y;
  int64_t blocks, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each(t, cols, [&](int64_t col) {
      double sum = 0;
      for (int64_t block = 0; block < blocks; ++block) sum += static_cast<double>(partial.load(block * cols + col));
      y.store(col, static_cast<float>(sum));
    });
  }
};

// y [cols] = the sums of term over the rows.
template <class Term>
void column_sums(const KernelContext& c, const char* name, const Term& term, int64_t rows, int64_t cols,
                 const simt::Global<float>& y) {
  const int64_t blocks = simt::ceil_div(rows, kColumnSumRows), count = blocks * cols;
  float* partial = c.scratch.get<float>(count).data();
  simt::launch(c.stream, name,
               {blocks * simt::ceil_div(cols, simt::kWarpSize), simt::kThreads, simt::kThreads * sizeof(float)},
               ColumnPartials<Term>{term, {partial, count}, rows, cols});
  simt::launch(c.stream, name, simt::shape_for(cols), AddPartials{{partial, count}, y, blocks, cols});
}

}  // namespace polyscene::ops
