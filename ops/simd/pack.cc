#include "ops/simd/pack.h"

#include "ops/simd/targets.h"
#include "ops/simd/workspace.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/simd/pack.cc"
#include "hwy/foreach_target.h"  // compiles this file once per instruction set
#include "hwy/highway.h"
#include "ops/simd/tile_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace polyscene::ops {
namespace HWY_NAMESPACE {

void pack(Strided<const float> b, int64_t inner, int64_t cols, float* panels) { pack_panels(b, inner, cols, panels); }

}  // namespace HWY_NAMESPACE
}  // namespace polyscene::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace polyscene::ops {
namespace {
HWY_EXPORT(pack);
}

const float* packed(const float* w, int64_t inner, int64_t cols, bool transpose, Scratch& scratch) {
  float* panels = scratch.get<float>(panel_floats(inner, cols)).data();
  HWY_DYNAMIC_DISPATCH(pack)(strided(w, transpose ? inner : cols, transpose), inner, cols, panels);
  return panels;
}

}  // namespace polyscene::ops
#endif  // HWY_ONCE
