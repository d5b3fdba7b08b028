// Iterates over the rows of segments: one thread handles all rows of one segment and one pack of columns. Its sums stay
// in registers, and neighbouring threads read neighbouring packs.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// Calls item(segment, first row, rows, first column) for all segments and all packs of kPack columns.
template <int kPack, class Item>
POLYSCENE_DEVICE void for_segments(const simt::Thread& t, const simt::Global<const int32_t>& offsets, int64_t segments,
                                   int64_t cols, const Item& item) {
  simt::for_each_pack<kPack>(t, segments, cols, [&](int64_t segment, int64_t col) {
    const int64_t first = offsets.load(segment);
    item(segment, first, offsets.load(segment + 1) - first, col);
  });
}

// Calls use(row, load(row)) for rows first .. first + rows - 1, in order. kBatch rows are loaded before the first is
// used: the compiler cannot know that a store for one row does not change the next row, and memory would idle between
// the loads.
template <int kBatch = 2, class Load, class Use>
POLYSCENE_DEVICE void for_rows(int64_t first, int64_t rows, const Load& load, const Use& use) {
  const int64_t end = first + rows;
  int64_t row = first;
  for (; row + kBatch <= end; row += kBatch) {
    decltype(load(row)) loaded[kBatch];
    for (int b = 0; b < kBatch; ++b) loaded[b] = load(row + b);
    for (int b = 0; b < kBatch; ++b) use(row + b, loaded[b]);
  }
  for (; row < end; ++row) use(row, load(row));
}

// Rows [T, cols], or copies of distinct rows selected by an index.
struct MaybeGathered {
  simt::Global<const float> rows;
  simt::Global<const int32_t> index;
  bool gathered;

  template <int kPack>
  [[nodiscard]] POLYSCENE_DEVICE simt::Pack<float, kPack> load(int64_t row, int64_t cols, int64_t col) const {
    return rows.template load_pack<kPack>((gathered ? index.load(row) : row) * cols + col);
  }
};

}  // namespace polyscene::ops
