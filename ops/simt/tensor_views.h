// A kernel's tensors as memory of the device. Tensors start on multiples of 16 bytes, so that packs of their rows do
// where the rows' length allows.
#pragma once

#include "ops/graph/op.h"
#include "ops/simt/simt.h"

namespace polyscene::simt {

template <class T>
[[nodiscard]] Global<const T> input(const KernelContext& c, size_t i) {
  return {c.inputs[i].as<const T>(), c.inputs[i].shape.elements()};
}

template <class T>
[[nodiscard]] Global<T> output(const KernelContext& c, size_t i) {
  return {c.outputs[i].as<T>(), c.outputs[i].shape.elements()};
}

// Temporary memory of one kernel call, not initialised.
template <class T>
[[nodiscard]] Global<T> scratch(const KernelContext& c, int64_t count) {
  return {c.scratch.get<T>(count).data(), count};
}

// Calls f(integral_constant<int, N>) with the widest pack, 4, 2 or 1 floats, in which a row of `cols` divides and, for
// 4 and 2, keeps a whole warp busy unless no pack does.
template <class F>
void with_pack(int64_t cols, F&& f) {
  if (cols % 4 == 0 && cols >= 4 * kWarpSize) return f(std::integral_constant<int, 4>{});
  if (cols % 2 == 0 && cols >= 2 * kWarpSize) return f(std::integral_constant<int, 2>{});
  f(std::integral_constant<int, 1>{});
}

}  // namespace polyscene::simt
