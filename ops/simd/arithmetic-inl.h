// The arithmetic of a product, chosen at run time, and its operands in the form that tile_product reads. Include like
// tile_product-inl.h.
#if defined(POLYSCENE_OPS_SIMD_ARITHMETIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POLYSCENE_OPS_SIMD_ARITHMETIC_INL_H_
#undef POLYSCENE_OPS_SIMD_ARITHMETIC_INL_H_
#else
#define POLYSCENE_OPS_SIMD_ARITHMETIC_INL_H_
#endif

#include "ops/simd/amx-inl.h"
#include "ops/simd/bf16_unit.h"
#include "ops/simd/cells-inl.h"
#include "ops/simd/workspace.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Calls f with the arithmetic for bfloat16: Bf16Tiles{}, Bf16Pairs{} or Bf16Rounded{}. f must not call code that uses
// tile registers itself.
template <class F>
HWY_INLINE void with_bf16(const F& f) {
  if constexpr (kLanes == 16) {
    const Bf16Unit unit = bf16_unit();
    if (unit == Bf16Unit::kTiles) {
      const TileRegisters registers;
      return f(Bf16Tiles{});
    }
    if (unit == Bf16Unit::kPairs) return f(Bf16Pairs{});
  }
  f(Bf16Rounded{});
}

template <class Arithmetic>
HWY_INLINE constexpr int64_t whole_blocks(int64_t size) {
  return (size + Arithmetic::kBlock - 1) / Arithmetic::kBlock * Arithmetic::kBlock;
}
template <class Arithmetic>
HWY_INLINE constexpr int64_t cells(int64_t steps) {
  return whole_blocks<Arithmetic>((steps + Arithmetic::kSteps - 1) / Arithmetic::kSteps);
}

// Hands out parts of a thread's workspace.
struct TileMemory {
  float* next;
  HWY_INLINE float* take(int64_t rows, int64_t stride) {
    float* part = next;
    next += (rows * stride + 15) / 16 * 16;
    return part;
  }
};

// x [rows, cols] as a left operand whose inner steps are its columns or its rows, or as a right operand whose inner
// steps are its rows. It is used in place if the arithmetic reads floats, else converted to cells in `memory`.
template <class Arithmetic>
HWY_INLINE ByRows left_by_rows(const float* x, int64_t stride, int64_t rows, int64_t cols, TileMemory& memory) {
  if constexpr (Arithmetic::kInPlace) return {x, stride};
  const int64_t to_stride = padded_cols(cells<Arithmetic>(cols));
  float* to = memory.take(whole_blocks<Arithmetic>(rows), to_stride);
  Arithmetic::by_cols(x, stride, rows, cols, to, to_stride);
  return {to, to_stride};
}
template <class Arithmetic>
HWY_INLINE ByColumns left_by_columns(const float* x, int64_t stride, int64_t rows, int64_t cols, TileMemory& memory) {
  if constexpr (Arithmetic::kInPlace) return {x, stride};
  const int64_t steps = cells<Arithmetic>(rows), to_stride = padded_cols(cols);
  float* to = memory.take(steps, to_stride);
  Arithmetic::by_rows(x, stride, rows, cols, to, to_stride);
  if constexpr (Arithmetic::kBlock > 1) Arithmetic::transpose_blocks(to, steps, to_stride);
  return {to, to_stride};
}
template <class Arithmetic>
HWY_INLINE Panels right_tile(const float* x, int64_t stride, int64_t rows, int64_t cols, TileMemory& memory) {
  if (Arithmetic::kInPlace && stride >= padded_cols(cols)) return tile_panels(x, stride);
  float* to = memory.take(cells<Arithmetic>(rows), padded_cols(cols));
  Arithmetic::by_rows(x, stride, rows, cols, to, padded_cols(cols));
  return tile_panels(to, padded_cols(cols));
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#endif  // POLYSCENE_OPS_SIMD_ARITHMETIC_INL_H_
