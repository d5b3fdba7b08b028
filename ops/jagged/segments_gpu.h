// One warp for the rows of one segment and the columns that its lanes hold, kPack each: rows go by, sums stay in
// registers.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// Calls item(segment, first row, rows, first column of this lane) for all segments and all columns; the last call of a
// row may leave lanes out.
template <int kPack, class Item>
POLYSCENE_DEVICE void for_segments(simt::Thread& t, const simt::Global<const int32_t>& offsets, int64_t segments,
                                   int64_t cols, const Item& item) {
  const int64_t chunk = kPack * simt::kWarpSize, chunks = simt::ceil_div(cols, chunk);
  simt::for_each_by_warps(t, segments * chunks, [&](int64_t i) {
    const int64_t segment = i / chunks, col = i % chunks * chunk + t.lane() * kPack;
    const int64_t first = offsets.load(segment), rows = offsets.load(segment + 1) - first;
    if (col < cols) item(segment, first, rows, col);
  });
}

// Rows [T, cols], or copies of distinct rows named by an index.
struct MaybeGathered {
  simt::Global<const float> rows;
  simt::Global<const int32_t> index;
  bool gathered;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> load(int64_t row, int64_t cols, int64_t col) const {
    return rows.template load_pack<kPack>((gathered ? index.load(row) : row) * cols + col);
  }
};

[[nodiscard]] inline simt::LaunchShape segments_shape(int64_t segments, int64_t cols, int pack) {
  return simt::shape_for_warps(segments * simt::ceil_div(cols, int64_t{pack} * simt::kWarpSize));
}

}  // namespace polyscene::ops
