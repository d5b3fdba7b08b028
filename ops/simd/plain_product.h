// The plain matrix product: double precision (gradient checks) uses it, and it is the reference for tests of the fast
// kernels.
#pragma once

#include <cstdint>

#include "ops/base/thread.h"

namespace polyscene::ops {

// A matrix with any strides: element (i, j) is at data[i * row + j * col].
template <class T>
struct Strided {
  T* data;
  int64_t row, col;
  [[nodiscard]] T& operator()(int64_t i, int64_t j) const { return data[i * row + j * col]; }
};

// y[rows, cols] += a[rows, inner] b[inner, cols], in parallel over rows.
template <class T>
void plain_product(Strided<const T> a, Strided<const T> b, Strided<T> y, int64_t rows, int64_t inner, int64_t cols) {
  parallel_for(rows, 64, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t k = 0; k < inner; ++k) {
        const T factor = a(i, k);
        for (int64_t j = 0; j < cols; ++j) y(i, j) += factor * b(k, j);
      }
  });
}

// The row-major [rows, cols] matrix at `data`, or its transpose.
template <class T>
Strided<T> strided(T* data, int64_t cols, bool transpose = false) {
  return transpose ? Strided<T>{data, 1, cols} : Strided<T>{data, cols, 1};
}

}  // namespace polyscene::ops
