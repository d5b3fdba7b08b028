// Register-blocked matrix products on tiles that stay in the caches: the shared core of the hand-written CPU kernels.
// Compiled once per instruction set (Highway); include it after hwy/foreach_target.h.
//
// A block of kBlockRows rows and up to kPanelVectors vectors of columns stays in registers during the inner loop: each
// step loads one row of the right operand (vectors) and broadcasts one column of the left operand (scalars), so 24
// multiply-adds on AVX-512 need 10 loads. The left operand is read in place, in either orientation, because broadcasts
// can read any layout. The right operand is read in panels of kPanelCols columns whose rows hold whole vectors: weights
// are packed (pack.h), tiles have padded rows.
#if defined(POLYSCENE_OPS_SIMD_TILE_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_SIMD_TILE_PRODUCT_INL_H_
#undef POLYSCENE_OPS_SIMD_TILE_PRODUCT_INL_H_
#else
#define POLYSCENE_OPS_SIMD_TILE_PRODUCT_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;
inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(Lanes()));

// 24 of the 32 registers of AVX-512 hold sums, 12 of the 16 of AVX2.
inline constexpr int kBlockRows = 6;
inline constexpr int kPanelVectors = kLanes == 16 ? 4 : 2;
inline constexpr int kPanelCols = kPanelVectors * kLanes;

// The number of columns that a row has from some position on: Whole for at least a whole vector, or a number >= 1,
// which may be smaller. Columns that a row does not have read as zero and are not written.
struct Whole {};
HWY_INLINE Vector load_cols(const float* p, Whole) { return hn::LoadU(Lanes(), p); }
HWY_INLINE void store_cols(Vector v, float* p, Whole) { hn::StoreU(v, Lanes(), p); }
HWY_INLINE Vector load_cols(const float* p, int64_t left) {
  const Lanes d;
  return left >= kLanes ? hn::LoadU(d, p) : hn::MaskedLoad(hn::FirstN(d, left), d, p);
}
HWY_INLINE void store_cols(Vector v, float* p, int64_t left) {
  const Lanes d;
  if (left >= kLanes) return hn::StoreU(v, d, p);
  hn::BlendedStore(v, hn::FirstN(d, left), d, p);
}

// The value of cols_left `vectors` vectors further.
HWY_INLINE Whole cols_after(Whole whole, int) { return whole; }
HWY_INLINE int64_t cols_after(int64_t left, int vectors) { return left - vectors * kLanes; }

// Left operand stored by rows: element (i, k) at data[i * stride + k]; by columns: at data[k * stride + i].
struct ByRows {
  const float* data;
  int64_t stride;
  HWY_INLINE const float* at(int64_t i, int64_t k) const { return data + i * stride + k; }
  HWY_INLINE float operator[](int i) const { return data[i * stride]; }
  HWY_INLINE void step() { ++data; }
  HWY_INLINE ByRows from_row(int64_t i) const { return {data + i * stride, stride}; }
};
struct ByColumns {
  const float* data;
  int64_t stride;
  HWY_INLINE const float* at(int64_t i, int64_t k) const { return data + k * stride + i; }
  HWY_INLINE float operator[](int i) const { return data[i]; }
  HWY_INLINE void step() { data += stride; }
  HWY_INLINE ByColumns from_row(int64_t i) const { return {data + i, stride}; }
};

// Right operand: row k of panel p is kPanelCols floats at data + p * panel + k * row, in whole vectors as far as
// columns exist.
struct Panels {
  const float* data;
  int64_t row, panel;
};

// Packed panels of `inner` rows of cells.
HWY_INLINE Panels packed_panels(const float* data, int64_t inner) { return {data, kPanelCols, inner * kPanelCols}; }
// A tile [inner, cols] with row stride `stride` in floats; whole vectors of its rows must be readable.
HWY_INLINE Panels tile_panels(const float* data, int64_t stride) { return {data, stride, kPanelCols}; }

// One block of a tile; see tile_product. cols_left counts the columns from col on, or is Whole for the whole block.
template <class Arithmetic, int kRows, int kVectors, class Left, class Begin, class End, class Cols>
HWY_INLINE void block_product(Left left, const float* HWY_RESTRICT right, int64_t right_row, int64_t inner, int64_t row,
                              int64_t col, Cols cols_left, const Begin& begin, const End& end) {
  const Lanes d;
  Vector sum[kRows][kVectors];
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) sum[i][v] = begin(row + i, col + v * kLanes, cols_after(cols_left, v));
  left = left.from_row(row);
  for (int64_t k = 0; k < inner; ++k) {
    Vector r[kVectors];
    for (int v = 0; v < kVectors; ++v) r[v] = hn::LoadU(d, right + v * kLanes);
    for (int i = 0; i < kRows; ++i) {
      const Vector l = hn::Set(d, left[i]);
      for (int v = 0; v < kVectors; ++v) sum[i][v] = Arithmetic::multiply_add(l, r[v], sum[i][v]);
    }
    left.step();
    right += right_row;
  }
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) end(row + i, col + v * kLanes, cols_after(cols_left, v), sum[i][v]);
}

template <class Arithmetic, int kVectors, class Left, class Begin, class End, class Cols>
HWY_INLINE void panel_product(Left left, const float* right, int64_t right_row, int64_t rows, int64_t inner,
                              int64_t col, Cols cols_left, const Begin& begin, const End& end) {
  int64_t i = 0;
  for (; i + kBlockRows <= rows; i += kBlockRows)
    block_product<Arithmetic, kBlockRows, kVectors>(left, right, right_row, inner, i, col, cols_left, begin, end);
  if (rows - i >= 4) {
    block_product<Arithmetic, 4, kVectors>(left, right, right_row, inner, i, col, cols_left, begin, end);
    i += 4;
  }
  if (rows - i >= 2) {
    block_product<Arithmetic, 2, kVectors>(left, right, right_row, inner, i, col, cols_left, begin, end);
    i += 2;
  }
  if (rows > i) block_product<Arithmetic, 1, kVectors>(left, right, right_row, inner, i, col, cols_left, begin, end);
}

// tile_product on the vector units.
template <class Arithmetic, class Left, class Begin, class End>
HWY_INLINE void vector_product(Left left, Panels right, int64_t rows, int64_t inner, int64_t cols, const Begin& begin,
                               const End& end) {
  int64_t col = 0;
  for (; col + kPanelCols <= cols; col += kPanelCols, right.data += right.panel)
    panel_product<Arithmetic, kPanelVectors>(left, right.data, right.row, rows, inner, col, Whole{}, begin, end);
  const int64_t rest = cols - col;
  if (rest <= 0) return;
  if (rest <= kLanes)
    return panel_product<Arithmetic, 1>(left, right.data, right.row, rows, inner, col, rest, begin, end);
  if (rest <= 2 * kLanes)
    return panel_product<Arithmetic, 2>(left, right.data, right.row, rows, inner, col, rest, begin, end);
  if constexpr (kPanelVectors > 2) {
    if (rest <= 3 * kLanes)
      return panel_product<Arithmetic, 3>(left, right.data, right.row, rows, inner, col, rest, begin, end);
    panel_product<Arithmetic, 4>(left, right.data, right.row, rows, inner, col, rest, begin, end);
  }
}

// For every element of a [rows, cols] tile, by vectors: calls end(row, col, cols_left, value) with value = begin(row,
// col, cols_left) + (left right)(row, col). The sum runs over `inner` cells in order, and cols_left is the argument for
// load_cols and store_cols. Arithmetic (arithmetic-inl.h) defines the contents of a cell.
template <class Arithmetic, class Left, class Begin, class End>
HWY_INLINE void tile_product(Left left, Panels right, int64_t rows, int64_t inner, int64_t cols, const Begin& begin,
                             const End& end) {
  if constexpr (Arithmetic::kBlock > 1)
    Arithmetic::product(left, right, rows, inner, cols, begin, end);
  else
    vector_product<Arithmetic>(left, right, rows, inner, cols, begin, end);
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_SIMD_TILE_PRODUCT_INL_H_
