#include "ops/dense/matmul_bf16.h"

#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/dense/matmul_bf16.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/simd/arithmetic-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Inner steps per pass: the tile's rows of a and a panel of b stay in the second-level cache.
inline constexpr int64_t kInnerSteps = 512;

// y = a b, or y += a b, for `steps` inner steps that start at `left` and `right`.
template <class Arithmetic, class Left>
HWY_INLINE void add_steps(Left left, Panels right, int64_t rows, int64_t steps, int64_t cols, bool first, float* y,
                          int64_t stride) {
  const auto store = [=](int64_t i, int64_t j, auto cols_left, Vector v)
                         HWY_ATTR { store_cols(v, y + i * stride + j, cols_left); };
  const int64_t inner = cells<Arithmetic>(steps);
  if (first)
    return tile_product<Arithmetic>(
        left, right, rows, inner, cols, [](int64_t, int64_t, auto) HWY_ATTR { return hn::Zero(Lanes()); }, store);
  tile_product<Arithmetic>(
      left, right, rows, inner, cols,
      [=](int64_t i, int64_t j, auto cols_left) HWY_ATTR { return load_cols(y + i * stride + j, cols_left); }, store);
}

template <class Arithmetic>
HWY_INLINE void whole_tile(const PackedProduct& p, const Tile& t, int64_t begin, int64_t end, bool add, float* y,
                           int64_t stride) {
  const int64_t rows = t.row_end - t.row, cols = t.col_end - t.col, b_rows = cells<Arithmetic>(p.steps);
  const float* b = p.b + t.col / kPanelCols * b_rows * kPanelCols;
  float* workspace = thread_workspace((kInnerSteps + 16) * padded_cols(rows) + rows * padded_cols(kInnerSteps));
  for (int64_t k = begin; k < end; k += kInnerSteps) {
    const int64_t steps = std::min(kInnerSteps, end - k);
    const bool first = k == begin && !add;
    TileMemory memory{workspace};
    const Panels right = packed_panels(b + k / Arithmetic::kSteps * kPanelCols, b_rows);
    const float* a = p.transpose_a ? p.a.data + k * p.a.cols + t.row : p.a.data + t.row * p.a.cols + k;
    if (p.transpose_a)
      add_steps<Arithmetic>(left_by_columns<Arithmetic>(a, p.a.cols, steps, rows, memory), right, rows, steps, cols,
                            first, y, stride);
    else
      add_steps<Arithmetic>(left_by_rows<Arithmetic>(a, p.a.cols, rows, steps, memory), right, rows, steps, cols, first,
                            y, stride);
  }
}

void bf16_tile(const PackedProduct& p, const Tile& t, int64_t begin, int64_t end, bool add, float* y, int64_t stride) {
  with_bf16([&](auto arithmetic) HWY_ATTR { whole_tile<decltype(arithmetic)>(p, t, begin, end, add, y, stride); });
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace polyscene::ops {
namespace {
HWY_EXPORT(bf16_tile);
}

void bf16_tile_product(const PackedProduct& product, const Tile& t, int64_t begin, int64_t end, bool add, float* y,
                       int64_t stride) {
  HWY_DYNAMIC_DISPATCH(bf16_tile)(product, t, begin, end, add, y, stride);
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
