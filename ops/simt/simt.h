// The complete interface for a hand-written device kernel. A kernel is a plain struct: its members are the arguments,
// and its call operator describes what one thread does.
//
//   struct Scale {
//     Global<const float> x;
//     Global<float> y;
//     int64_t count;
//     float factor;
//     POLYSCENE_DEVICE void operator()(Thread& t) const {
//       for_each(t, count, [&](int64_t i) { y.store(i, factor * x.load(i)); });
//     }
//   };
//   launch(stream, "scale", shape_for(count), Scale{...});
//
// The names below are declared in <simt_backend.h>. There are two versions of it, and the include path of a build
// chooses one:
//   ops/simt/cuda          compiled by nvcc, runs on a device
//   tests/support/emulator compiled as C++, one fiber per thread; finds races, divergent barriers and reads of memory
//                          that nothing has written
//
//   Global<T>(data, size)  device memory: load(i), store(i, v), load_pack<N>(i), store_pack(i, pack), where i must be a
//                          multiple of N and the memory aligned; atomic_add(i, v), atomic_max(i, v),
//                          atomic_exchange(i, v), atomic_compare_exchange(i, expected, v), which return the old value
//   Shared<T>              the same operations on memory of the block, from t.shared<T>(count), which every thread
//                          of the block calls in the same order; not initialised
//   Thread                 thread(), threads(), block(), blocks(), lane(), warp(), warps()
//     sync()               barrier of all threads of the block, at the same place of the code
//     sync_warp(mask)      barrier of the lanes of the mask; stores before it are visible to these lanes after it. The
//                          calls below are barriers of their lanes too, but do not make stores visible.
//     shuffle(v, lane, mask), shuffle_xor(v, bits, mask), shuffle_down(v, lanes, mask): another lane's v, of at most 8
//                          bytes; shuffle_down past the last lane returns v itself
//     ballot(flag, mask)   bit l is the flag of lane l
//   Pack<T, N>             N elements in one access of at most 16 bytes: pack[k]
//   launch(stream, name, shape, kernel)
//
// Kernels may also use <cmath> and the functions below. If two threads access the same memory and one of them writes, a
// barrier must lie between the accesses unless both are atomic. Blocks of one launch have no barrier.
#pragma once

#include <simt_backend.h>

#include <cstdint>

#include "ops/simt/launch_shape.h"

namespace polyscene::simt {

inline constexpr uint32_t kAllLanes = 0xffffffffu;
inline constexpr int kThreads = 256;

[[nodiscard]] POLYSCENE_HOST_DEVICE constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
[[nodiscard]] POLYSCENE_HOST_DEVICE constexpr T maximum(T a, T b) {
  return a < b ? b : a;
}

template <class T>
[[nodiscard]] POLYSCENE_HOST_DEVICE constexpr T minimum(T a, T b) {
  return b < a ? b : a;
}

// The number of bits of x that are 1.
[[nodiscard]] POLYSCENE_HOST_DEVICE constexpr int bit_count(uint32_t x) {
  x -= x >> 1 & 0x55555555u;
  x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
  return static_cast<int>(((x + (x >> 4)) & 0x0F0F0F0Fu) * 0x01010101u >> 24);
}
// The position of the n-th set bit of x, counted from 0. More than n bits must be set.
[[nodiscard]] POLYSCENE_HOST_DEVICE constexpr int bit_position(uint32_t x, int n) {
  int at = 0;
  for (int width = 16; width > 0; width /= 2) {
    const int below = bit_count(x >> at & ((1u << width) - 1));
    if (n < below) continue;
    n -= below;
    at += width;
  }
  return at;
}

// The launch shape for for_each over `count` items; if there are many, each thread handles several.
[[nodiscard]] inline LaunchShape shape_for(int64_t count) {
  return {minimum<int64_t>(ceil_div(count, kThreads), 4096), kThreads};
}

// The launch shape for one warp per item.
[[nodiscard]] inline LaunchShape shape_for_warps(int64_t count) {
  return {minimum<int64_t>(ceil_div(count, kThreads / kWarpSize), 65536), kThreads};
}

// Calls item(i) for i < count, shared among all threads of the launch.
template <class Item>
POLYSCENE_DEVICE void for_each(const Thread& t, int64_t count, const Item& item) {
  const int64_t step = t.blocks() * t.threads();
  for (int64_t i = t.block() * t.threads() + t.thread(); i < count; i += step) item(i);
}

// Calls item(i) for i < count, shared among all warps of the launch: every lane of a warp gets the same i.
template <class Item>
POLYSCENE_DEVICE void for_each_by_warps(const Thread& t, int64_t count, const Item& item) {
  const int64_t step = t.blocks() * t.warps();
  for (int64_t i = t.block() * t.warps() + t.warp(); i < count; i += step) item(i);
}

// The sum over the warp, in a fixed order; every lane gets it.
template <class T>
[[nodiscard]] POLYSCENE_DEVICE T warp_sum(Thread& t, T value) {
  for (int bits = kWarpSize / 2; bits > 0; bits /= 2) value += t.shuffle_xor(value, bits, kAllLanes);
  return value;
}

// The sum over the block, in a fixed order; every thread gets it. `room` holds one element per warp and may be reused
// after the call.
template <class T>
[[nodiscard]] POLYSCENE_DEVICE T block_sum(Thread& t, T value, const Shared<T>& room) {
  value = warp_sum(t, value);
  if (t.lane() == 0) room.store(t.warp(), value);
  t.sync();
  T sum = 0;
  for (int w = 0; w < t.warps(); ++w) sum += room.load(w);
  t.sync();
  return sum;
}

}  // namespace polyscene::simt
