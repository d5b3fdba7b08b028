// Sums over the rows of a matrix, in an order that depends on its shape alone: each block of rows in float, then the
// blocks in double.
#pragma once

#include <bit>

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

inline constexpr int64_t kColumnSumRows = 64;  // per block

// partial [row blocks, cols]: a thread block sums kColumnSumRows rows of `lanes` packs of columns, with threads / lanes
// rows at a time. The terms are terms.load<kPack>(row * cols + col).
template <int kPack, class Terms>
struct ColumnPartials {
  Terms terms;
  simt::Global<float> partial;
  int64_t rows, cols;
  int lanes;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    const auto room = t.shared<float>(simt::kThreads * kPack);
    const int64_t chunks = simt::ceil_div(cols, int64_t{kPack} * lanes), block = t.block() / chunks;
    const int lane = t.thread() % lanes, together = t.threads() / lanes;
    const int64_t col = (t.block() % chunks * lanes + lane) * kPack;
    const int64_t end = simt::minimum(rows, (block + 1) * kColumnSumRows);
    simt::Pack<float, kPack> sum{};
    if (col < cols)
      for (int64_t row = block * kColumnSumRows + t.thread() / lanes; row < end; row += together)
        add(sum, terms.template load<kPack>(row * cols + col));
    room.template store_pack<kPack>(t.thread() * kPack, sum);
    t.sync();
    if (t.thread() >= lanes || col >= cols) return;
    for (int k = 1; k < together; ++k) add(sum, room.template load_pack<kPack>((k * lanes + lane) * kPack));
    partial.template store_pack<kPack>(block * cols + col, sum);
  }

 private:
  static POLYSCENE_DEVICE void add(simt::Pack<float, kPack>& sum, const simt::Pack<float, kPack>& x) {
    for (int k = 0; k < kPack; ++k) sum[k] += x[k];
  }
};

// Terms that are the elements of a matrix.
struct Elements {
  simt::Global<const float> x;
  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> load(int64_t at) const {
    return x.template load_pack<kPack>(at);
  }
};

// One warp per column.
struct AddPartials {
  simt::Global<const float> partial;
  simt::Global<float> y;
  int64_t blocks, cols;

  POLYSCENE_DEVICE void operator()(simt::Thread& t) const {
    simt::for_each_by_warps(t, cols, [&](int64_t col) {
      double sum = 0;
      for (int64_t block = t.lane(); block < blocks; block += simt::kWarpSize)
        sum += static_cast<double>(partial.load(block * cols + col));
      sum = simt::warp_sum(t, sum);
      if (t.lane() == 0) y.store(col, static_cast<float>(sum));
    });
  }
};

// y [cols] = the sums of the terms over the rows.
template <class Terms>
void column_sums(const KernelContext& c, const char* name, const Terms& terms, int64_t rows, int64_t cols,
                 const simt::Global<float>& y) {
  const int64_t blocks = simt::ceil_div(rows, kColumnSumRows), count = blocks * cols;
  float* partial = c.scratch.get<float>(count).data();
  simt::with_pack(cols, [&](auto pack) {
    const int64_t packs = cols / pack;
    const auto lanes = static_cast<int>(simt::minimum<uint64_t>(std::bit_ceil(static_cast<uint64_t>(packs)),
                                                                simt::kWarpSize));  // 1 if there are no packs
    simt::launch(c.stream, name,
                 {blocks * simt::ceil_div(packs, lanes), simt::kThreads,
                  simt::kThreads * pack * static_cast<int64_t>(sizeof(float))},
                 ColumnPartials<pack, Terms>{terms, {partial, count}, rows, cols, lanes});
  });
  simt::launch(c.stream, name, simt::shape_for_warps(cols), AddPartials{{partial, count}, y, blocks, cols});
}

}  // namespace polyscene::ops
