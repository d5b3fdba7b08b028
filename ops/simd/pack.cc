#include "ops/simd/pack.h"

#include "ops/base/thread.h"
#include "ops/simd/targets.h"
#include "ops/simd/workspace.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/simd/pack.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/simd/arithmetic-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

// Transposes `count` rows of w [.., inner] into columns of `panel`.
template <class Arithmetic>
HWY_INLINE void pack_transposed(const float* w, int64_t inner, int64_t count, float* panel) {
  const int64_t rows = cells<Arithmetic>(inner), stride = padded_cols(rows);
  float* narrow = thread_workspace(kLanes * stride);
  for (int64_t j = 0; j < kPanelCols; j += kLanes) {
    const int64_t present = std::clamp<int64_t>(count - j, 0, kLanes);
    Arithmetic::by_cols(w + j * inner, inner, present, inner, narrow, stride);
    std::fill(narrow + present * stride, narrow + kLanes * stride, 0.0f);
    for (int64_t k = 0; k < rows; k += kLanes) {
      alignas(64) float block[kLanes * kLanes];
      transpose(narrow + k, stride, block, kLanes);
      for (int64_t i = 0; i < std::min<int64_t>(kLanes, rows - k); ++i)
        std::copy_n(block + i * kLanes, kLanes, panel + (k + i) * kPanelCols + j);
    }
  }
}

// Packs columns first .. first + kPanelCols - 1, as far as they exist.
template <class Arithmetic>
HWY_INLINE void pack_panel(const float* w, int64_t inner, int64_t cols, bool transpose, int64_t first, float* panels) {
  const int64_t count = std::min<int64_t>(kPanelCols, cols - first);
  float* panel = panels + first / kPanelCols * cells<Arithmetic>(inner) * kPanelCols;
  if (transpose) return pack_transposed<Arithmetic>(w + first * inner, inner, count, panel);
  Arithmetic::by_rows(w + first, cols, inner, count, panel, kPanelCols);
}

int64_t panel_cols() { return kPanelCols; }

void pack_panel_of(const float* w, int64_t inner, int64_t cols, bool transpose, Cells cells_hold, int64_t first,
                   float* panels) {
  if (cells_hold == Cells::kFloat32) return pack_panel<Float32>(w, inner, cols, transpose, first, panels);
  with_bf16([&](auto arithmetic)
                HWY_ATTR { pack_panel<decltype(arithmetic)>(w, inner, cols, transpose, first, panels); });
}

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace polyscene::ops {
namespace {
HWY_EXPORT(panel_cols);
HWY_EXPORT(pack_panel_of);
}  // namespace

const float* packed(const float* w, int64_t inner, int64_t cols, bool transpose, Cells cells, Scratch& scratch) {
  float* panels = scratch.get<float>(panel_floats(padded_cols(inner), cols)).data();
  const int64_t grain = HWY_DYNAMIC_DISPATCH(panel_cols)();
  parallel_for(cols, grain, [=](int64_t first, int64_t) {
    HWY_DYNAMIC_DISPATCH(pack_panel_of)(w, inner, cols, transpose, cells, first, panels);
  });
  return panels;
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
