// What rtm and rtm_distinct do on one tile of behaviours, per instruction set.
#if defined(POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#undef POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#else
#define POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#endif

#include "ops/jagged/rtm_plain.h"
#include "ops/simd/tile_product-inl.h"
#include "ops/simd/workspace.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Rows per tile: with widths 64 and 128 the tile's operands (b, u, q, g) fill a fifth of a 1 MiB second-level cache,
// and every panel of the right side stays in the first level.
inline constexpr int64_t kTileRows = 96;

// The samples of consecutive rows.
class Owners {
 public:
  Owners(const int32_t* offsets, int64_t sample) : offsets_(offsets), sample_(sample) {}
  // Owners of rows row .. row + rows - 1; rows must not go back from call to call.
  HWY_INLINE void fill(int64_t row, int64_t rows, int64_t* owner) {
    for (int64_t i = 0; i < rows; ++i) {
      while (row + i >= offsets_[sample_ + 1]) ++sample_;
      owner[i] = sample_;
    }
  }

 private:
  const int32_t* offsets_;
  int64_t sample_;
};

// to [cols] += the sum of `rows` padded rows.
HWY_INLINE void add_rows(const float* HWY_RESTRICT from, int64_t stride, int64_t rows, int64_t cols,
                         float* HWY_RESTRICT to) {
  const Lanes d;
  for (int64_t col = 0; col < cols; col += kLanes) {
    Vector sum = load_cols(to + col, cols - col);
    for (int64_t i = 0; i < rows; ++i) sum = hn::Add(sum, hn::LoadU(d, from + i * stride + col));
    store_cols(sum, to + col, cols - col);
  }
}

// to[owner[i]] += row i, in order.
HWY_INLINE void add_rows_by_owner(const float* from, int64_t stride, int64_t rows, int64_t cols, const int64_t* owner,
                                  float* to) {
  for (int64_t i = 0; i < rows;) {
    int64_t end = i + 1;
    while (end < rows && owner[end] == owner[i]) ++end;
    add_rows(from + i * stride, stride, end - i, cols, to + owner[i] * cols);
    i = end;
  }
}

// y = base(i) + co + u wo on a tile; base(i) points to the residual of row i.
template <class Base>
HWY_INLINE void residual_tile(const RtmShape& e, int64_t rows, const float* u, int64_t u_stride, Panels wo,
                              const float* co, const Base& base, float* y) {
  tile_product(
      ByRows{u, u_stride}, wo, rows, e.hidden, e.width,
      [=](int64_t i, int64_t j, auto left)
          HWY_ATTR { return hn::Add(load_cols(base(i) + j, left), load_cols(co + j, left)); },
      [=, width = e.width](int64_t i, int64_t j, auto left, Vector v)
          HWY_ATTR { store_cols(v, y + i * width + j, left); });
}

// q = (g wo^T + gu) 1[u > 0] on a tile, gu nullptr for none, q with padded rows.
HWY_INLINE void masked_tile(const RtmShape& e, int64_t rows, const float* g, const float* gu, Panels wo_transposed,
                            const float* u, int64_t u_stride, float* q) {
  const int64_t stride = padded_cols(e.hidden);
  const Lanes d;
  const auto mask = [=](int64_t i, int64_t j, auto left, Vector v) HWY_ATTR {
    const auto on = hn::Gt(load_cols(u + i * u_stride + j, left), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(on, v), d, q + i * stride + j);
  };
  const ByRows rows_of_g{g, e.width};
  if (gu == nullptr) {
    const auto zero = [=](int64_t, int64_t, auto) HWY_ATTR { return hn::Zero(d); };
    return tile_product(rows_of_g, wo_transposed, rows, e.width, e.hidden, zero, mask);
  }
  const auto start = [=, hidden = e.hidden](int64_t i, int64_t j, auto left)
                         HWY_ATTR { return load_cols(gu + i * hidden + j, left); };
  tile_product(rows_of_g, wo_transposed, rows, e.width, e.hidden, start, mask);
}

// sum [inner, padded cols] += left^T right over the rows of a tile, right with whole vectors per row.
HWY_INLINE void add_outer(const float* left, int64_t left_stride, int64_t inner, const float* right,
                          int64_t right_stride, int64_t cols, int64_t rows, float* sum) {
  const int64_t stride = padded_cols(cols);
  const Lanes d;
  tile_product(
      ByColumns{left, left_stride}, tile_panels(right, right_stride), inner, rows, cols,
      [=](int64_t i, int64_t j, auto) HWY_ATTR { return hn::LoadU(d, sum + i * stride + j); },
      [=](int64_t i, int64_t j, auto, Vector v) HWY_ATTR { hn::StoreU(v, d, sum + i * stride + j); });
}

// g as it is where its rows are whole vectors, else a copy in `padded` with rows of padded_cols(width).
HWY_INLINE const float* whole_vectors(const float* g, int64_t rows, int64_t width, float* padded) {
  const int64_t stride = padded_cols(width);
  if (stride == width) return g;
  const Lanes d;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < width; j += kLanes)
      hn::StoreU(load_cols(g + i * width + j, width - j), d, padded + i * stride + j);
  return padded;
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
