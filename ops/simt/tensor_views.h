// A kernel's tensors as device memory. Tensors are aligned to 16 bytes, so packs of a row are aligned if the row length
// allows it.
#pragma once

#include "ops/kernel/kernel.h"
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

// Calls f(integral_constant<int, N>) with the widest pack, 4, 2 or 1 floats, that divides rows of `cols`.
template <class F>
void with_pack(int64_t cols, F&& f) {
  if (cols % 4 == 0) return f(std::integral_constant<int, 4>{});
  if (cols % 2 == 0) return f(std::integral_constant<int, 2>{});
  f(std::integral_constant<int, 1>{});
}

// Calls item(row, first column) for all packs of kPack columns of a matrix, shared among all threads of the launch.
template <int kPack, class Item>
POLYSCENE_DEVICE void for_each_pack(const Thread& t, int64_t rows, int64_t cols, const Item& item) {
  const int64_t packs = cols / kPack;
  for_each(t, rows * packs, [&](int64_t i) { item(i / packs, i % packs * kPack); });
}

// The launch shape for for_each_pack.
[[nodiscard]] inline LaunchShape shape_for_packs(int64_t rows, int64_t cols, int pack) {
  return shape_for(rows * (cols / pack));
}

}  // namespace polyscene::simt
