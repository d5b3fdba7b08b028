// The computation of rtm and rtm_distinct on one tile of behaviours, per instruction set and arithmetic.
#if defined(POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#undef POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#else
#define POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
#endif

#include "ops/jagged/rtm_plain.h"
#include "ops/simd/arithmetic-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Rows per tile: with widths 64 and 128 the tile's operands (b, u, q, g) fill a fifth of a 1 MiB second-level cache,
// and every panel of the right operand stays in the first-level cache.
inline constexpr int64_t kTileRows = 96;

// The workspace for a tile's operands in any arithmetic.
HWY_INLINE TileMemory tile_memory(const RtmShape& e) {
  return {thread_workspace(kTileRows * (4 * padded_cols(e.width) + 5 * padded_cols(e.hidden)))};
}

// Calls tile(row, rows, owner) for the tiles of the samples first .. last - 1; owner[i] is the sample of row + i.
template <class Tile>
HWY_INLINE void for_tiles(const int32_t* offsets, int64_t first, int64_t last, const Tile& tile) {
  int64_t owner[kTileRows], sample = first;
  for (int64_t row = offsets[first], end = offsets[last]; row < end; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, end - row);
    for (int64_t i = 0; i < rows; ++i) {
      while (row + i >= offsets[sample + 1]) ++sample;
      owner[i] = sample;
    }
    tile(row, rows, owner);
  }
}

// to [cols] += the sum of `rows` rows. The sum itself starts at zero, so adding many tiles rounds little.
HWY_INLINE void add_rows(const float* HWY_RESTRICT from, int64_t stride, int64_t rows, int64_t cols,
                         float* HWY_RESTRICT to) {
  for (int64_t col = 0; col < cols; col += kLanes) {
    Vector sum = hn::Zero(Lanes());
    for (int64_t i = 0; i < rows; ++i) sum = hn::Add(sum, load_cols(from + i * stride + col, cols - col));
    store_cols(hn::Add(load_cols(to + col, cols - col), sum), to + col, cols - col);
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
template <class Arithmetic, class Base>
HWY_INLINE void residual_tile(const RtmShape& e, int64_t rows, const float* u, int64_t u_stride, const float* wo,
                              const float* co, const Base& base, float* y, TileMemory memory) {
  const int64_t inner = cells<Arithmetic>(e.hidden);
  tile_product<Arithmetic>(
      left_by_rows<Arithmetic>(u, u_stride, rows, e.hidden, memory), packed_panels(wo, inner), rows, inner, e.width,
      [=](int64_t i, int64_t j, auto left)
          HWY_ATTR { return hn::Add(load_cols(base(i) + j, left), load_cols(co + j, left)); },
      [=, width = e.width](int64_t i, int64_t j, auto left, Vector v)
          HWY_ATTR { store_cols(v, y + i * width + j, left); });
}

// q = (g wo^T + gu) 1[u > 0] on a tile, gu nullptr for none; q has padded rows.
template <class Arithmetic>
HWY_INLINE void masked_tile(const RtmShape& e, int64_t rows, const float* g, const float* gu,
                            const float* wo_transposed, const float* u, int64_t u_stride, float* q, TileMemory memory) {
  const int64_t stride = padded_cols(e.hidden), inner = cells<Arithmetic>(e.width);
  const Lanes d;
  const auto mask = [=](int64_t i, int64_t j, auto left, Vector v) HWY_ATTR {
    const auto on = hn::Gt(load_cols(u + i * u_stride + j, left), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(on, v), d, q + i * stride + j);
  };
  const ByRows left_g = left_by_rows<Arithmetic>(g, e.width, rows, e.width, memory);
  const Panels right = packed_panels(wo_transposed, inner);
  if (gu == nullptr) {
    const auto zero = [=](int64_t, int64_t, auto) HWY_ATTR { return hn::Zero(d); };
    return tile_product<Arithmetic>(left_g, right, rows, inner, e.hidden, zero, mask);
  }
  const auto start = [=, hidden = e.hidden](int64_t i, int64_t j, auto left)
                         HWY_ATTR { return load_cols(gu + i * hidden + j, left); };
  tile_product<Arithmetic>(left_g, right, rows, inner, e.hidden, start, mask);
}

// sum [inner, padded cols] += left^T right over the rows of a tile.
template <class Arithmetic>
HWY_INLINE void add_outer(ByColumns left, int64_t inner, Panels right, int64_t cols, int64_t rows, float* sum) {
  const int64_t stride = padded_cols(cols);
  const Lanes d;
  tile_product<Arithmetic>(
      left, right, inner, cells<Arithmetic>(rows), cols,
      [=](int64_t i, int64_t j, auto) HWY_ATTR { return hn::LoadU(d, sum + i * stride + j); },
      [=](int64_t i, int64_t j, auto, Vector v) HWY_ATTR { hn::StoreU(v, d, sum + i * stride + j); });
}

// dwo += u^T g and dco += the sum of g on a tile.
template <class Arithmetic>
HWY_INLINE void add_tail_sums(const RtmShape& e, int64_t rows, const float* u, int64_t u_stride, const float* g,
                              float* dwo, float* dco, TileMemory memory) {
  const ByColumns left = left_by_columns<Arithmetic>(u, u_stride, rows, e.hidden, memory);
  const Panels right = right_tile<Arithmetic>(g, e.width, rows, e.width, memory);
  add_outer<Arithmetic>(left, e.hidden, right, e.width, rows, dwo);
  add_rows(g, e.width, rows, e.width, dco);
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_JAGGED_RTM_TILE_INL_H_
