// The contents of a tile's cells and how they multiply: float32 values, or inputs rounded to bfloat16 with float32
// sums. A cell is 32 bits wide and covers kSteps inner steps of a product; the number of inner cells is a multiple of
// kBlock, and missing ones are zero. Include like tile_product-inl.h.
#if defined(POLYSCENE_OPS_SIMD_CELLS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_SIMD_CELLS_INL_H_
#undef POLYSCENE_OPS_SIMD_CELLS_INL_H_
#else
#define POLYSCENE_OPS_SIMD_CELLS_INL_H_
#endif

#include "ops/simd/tile_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// to[i, j] = change(x[i, j]), for rows of whole vectors.
template <class Change>
HWY_INLINE void copy_vectors(const float* x, int64_t stride, int64_t rows, int64_t cols, float* HWY_RESTRICT to,
                             int64_t to_stride, const Change& change) {
  const Lanes d;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; j += kLanes)
      hn::StoreU(change(load_cols(x + i * stride + j, cols - j)), d, to + i * to_stride + j);
}

// to = from^T, both kLanes by kLanes cells; they may be the same memory if kLanes is 16.
#if HWY_CAP_GE512
HWY_INLINE void transpose(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(from + i * from_stride);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)  // a[i + j]: column j of every 128 bits, of rows i .. i + 3
    for (int j = 0; j < 2; ++j) {
      a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + 2 + j]);
      a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + 2 + j]);
    }
  for (int j = 0; j < 4; ++j) {  // the 128 bits of each column, as a 4 by 4 transposition
    const __m512i low01 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x44),
                  low23 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xEE);
    const __m512i high01 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x44),
                  high23 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xEE);
    _mm512_storeu_si512(to + j * to_stride, _mm512_shuffle_i32x4(low01, high01, 0x88));
    _mm512_storeu_si512(to + (4 + j) * to_stride, _mm512_shuffle_i32x4(low01, high01, 0xDD));
    _mm512_storeu_si512(to + (8 + j) * to_stride, _mm512_shuffle_i32x4(low23, high23, 0x88));
    _mm512_storeu_si512(to + (12 + j) * to_stride, _mm512_shuffle_i32x4(low23, high23, 0xDD));
  }
}
#else
HWY_INLINE void transpose(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  for (int i = 0; i < kLanes; ++i)
    for (int j = 0; j < kLanes; ++j) to[j * to_stride + i] = from[i * from_stride + j];
}
#endif

struct Float32 {
  static constexpr int kSteps = 1, kBlock = 1;
  static constexpr bool kInPlace = true;  // tiles are read in place
  static HWY_INLINE Vector multiply_add(Vector l, Vector r, Vector sum) { return hn::MulAdd(l, r, sum); }
  // Cells of x [rows, cols], each of kSteps consecutive columns.
  static HWY_INLINE void by_cols(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    copy_vectors(x, stride, rows, cols, to, to_stride, [](Vector v) HWY_ATTR { return v; });
  }
  // The same with kSteps consecutive rows per cell.
  static HWY_INLINE void by_rows(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    by_cols(x, stride, rows, cols, to, to_stride);
  }
};

// For processors without bfloat16 instructions: rounds the inputs alike and computes in float32.
struct Bf16Rounded {
  static constexpr int kSteps = 1, kBlock = 1;
  static constexpr bool kInPlace = false;
  static HWY_INLINE Vector multiply_add(Vector l, Vector r, Vector sum) { return hn::MulAdd(l, r, sum); }
  // Rounds to nearest, ties to even; NaN stays NaN.
  static HWY_INLINE Vector rounded(Vector v) {
    const hn::RebindToUnsigned<Lanes> bits;
    const auto x = hn::BitCast(bits, v);
    const auto odd = hn::And(hn::ShiftRight<16>(x), hn::Set(bits, 1));
    const auto up = hn::Add(hn::Add(x, hn::Set(bits, 0x7FFF)), odd);
    const auto cut = hn::BitCast(Lanes(), hn::And(up, hn::Set(bits, 0xFFFF0000u)));
    return hn::IfThenElse(hn::IsNaN(v), v, cut);
  }
  static HWY_INLINE void by_cols(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    copy_vectors(x, stride, rows, cols, to, to_stride, [](Vector v) HWY_ATTR { return rounded(v); });
  }
  static HWY_INLINE void by_rows(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    by_cols(x, stride, rows, cols, to, to_stride);
  }
};

#if HWY_CAP_GE512
// Two steps per cell and instruction, with AVX512-BF16. Highway 1.0.3 does not offer the instructions. Inline assembly
// needs no compiler flag, which could spread them to other functions.
struct Bf16Pairs {
  static constexpr int kSteps = 2, kBlock = 1;
  static constexpr bool kInPlace = false;
  static HWY_INLINE Vector multiply_add(Vector l, Vector r, Vector sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(l.raw), "v"(r.raw));
    return sum;
  }
  // The 16-bit numbers of `low`, then those of `high`.
  static HWY_INLINE __m512i narrow(Vector low, Vector high) {
    __m512i out;
    asm("vcvtne2ps2bf16 %2, %1, %0" : "=v"(out) : "v"(high.raw), "v"(low.raw));
    return out;
  }
  static HWY_INLINE Vector load_or_zero(const float* p, int64_t left) {
    return left <= 0 ? hn::Zero(Lanes()) : load_cols(p, left);
  }
  static HWY_INLINE void by_cols(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < cols; j += 2 * kLanes) {
        const float* from = x + i * stride + j;
        const Vector low = load_cols(from, cols - j), high = load_or_zero(from + kLanes, cols - j - kLanes);
        _mm512_storeu_si512(to + i * to_stride + j / 2, narrow(low, high));
      }
  }
  static HWY_INLINE void by_rows(const float* x, int64_t stride, int64_t rows, int64_t cols, float* to,
                                 int64_t to_stride) {
    const __m512i interleaved = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                                 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int64_t i = 0; i < rows; i += 2)
      for (int64_t j = 0; j < cols; j += kLanes) {
        const float* from = x + i * stride + j;
        const Vector even = load_cols(from, cols - j);
        const Vector odd = i + 1 < rows ? load_cols(from + stride, cols - j) : hn::Zero(Lanes());
        const __m512i pairs = _mm512_permutexvar_epi16(interleaved, narrow(even, odd));
        _mm512_storeu_si512(to + i / 2 * to_stride + j, pairs);
      }
  }
};
#else
using Bf16Pairs = Bf16Rounded;
#endif

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_SIMD_CELLS_INL_H_
