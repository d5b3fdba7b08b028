// Row widths known at compile time: for the usual embedding widths, loops over one row unroll into a few vector moves;
// a loop (or memcpy) over an unknown width costs more than the row itself.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace polyscene::ops {

template <int64_t kCols>
using FixedCols = std::integral_constant<int64_t, kCols>;

// Calls f(cols); cols is a FixedCols if it is one of the usual widths.
template <class F>
void with_fixed_cols(int64_t cols, F&& f) {
  switch (cols) {
    case 8:
      return f(FixedCols<8>{});
    case 16:
      return f(FixedCols<16>{});
    case 32:
      return f(FixedCols<32>{});
    case 64:
      return f(FixedCols<64>{});
    default:
      return f(cols);
  }
}

template <class T, class Cols>
inline void copy_row(T* __restrict to, const T* __restrict from, Cols cols) {
  for (int64_t c = 0; c < cols; ++c) to[c] = from[c];
}

// to[r, :] = from[r, :] for rows of `cols` elements with row strides `to_stride` and `from_stride`, in elements.
template <class T>
void copy_rows(T* to, int64_t to_stride, const T* from, int64_t from_stride, int64_t rows, int64_t cols) {
  with_fixed_cols(cols, [=](auto width) {
    for (int64_t r = 0; r < rows; ++r) copy_row(to + r * to_stride, from + r * from_stride, width);
  });
}

}  // namespace polyscene::ops
