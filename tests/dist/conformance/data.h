// Test data that every rank can compute for every other rank, and the plain references results are compared with.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "dist/communicator.h"
#include "ops/base/philox.h"

namespace polyscene::testing {

// Element i of what rank `rank` contributes. Floats spread over many magnitudes and both signs, so that adding them in
// another order gives another result; integers use all bits.
template <class T>
T value(uint64_t seed, int rank, size_t i) {
  const PhiloxBlock bits = philox(seed, i, static_cast<uint64_t>(rank));
  if constexpr (std::is_floating_point_v<T>) {
    const T mantissa = static_cast<T>(bits[0]) / static_cast<T>(4294967296.0) + T{1};
    const T scaled = std::ldexp(mantissa, static_cast<int>(bits[1] % 24) - 12);
    return bits[2] % 2 == 0 ? scaled : -scaled;
  } else {
    return static_cast<T>((uint64_t{bits[0]} << 32) | bits[1]);
  }
}

template <class T>
std::vector<T> values(uint64_t seed, int rank, size_t count) {
  std::vector<T> result(count);
  for (size_t i = 0; i < count; ++i) result[i] = value<T>(seed, rank, i);
  return result;
}

template <class T>
T reduce_two(dist::ReduceOp op, T a, T b) {
  if (op == dist::ReduceOp::kSum) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    else
      return a + b;
  }
  if (a != a || b != b) return a != a ? a : b;
  if (op == dist::ReduceOp::kMin) return b < a ? b : a;
  return b > a ? b : a;
}

// The serial loop over ranks that all reductions must equal bit by bit.
template <class T>
std::vector<T> reduced(uint64_t seed, int ranks, size_t count, dist::ReduceOp op) {
  std::vector<T> result = values<T>(seed, 0, count);
  for (int r = 1; r < ranks; ++r) {
    for (size_t i = 0; i < count; ++i) result[i] = reduce_two(op, result[i], value<T>(seed, r, i));
  }
  return result;
}

template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return same_bits(std::span<const T>(a), std::span<const T>(b));
}

// "rank 1 of 4", to say in a failed check where it failed.
inline std::string who(const dist::Communicator& communicator) {
  return str(communicator.name(), " rank ", communicator.rank(), " of ", communicator.size());
}

// Calls f.template operator()<T>() for every dtype that reductions take.
template <class F>
void for_each_dtype(F&& f) {
  f.template operator()<float>();
  f.template operator()<double>();
  f.template operator()<int32_t>();
  f.template operator()<int64_t>();
}

// Lengths around vector widths and blocks, and none.
inline constexpr size_t kLengths[] = {0, 1, 2, 3, 7, 31, 32, 33, 1025, 4099};

// An odd number of about n, beyond slices and blocks of the host; less for memory of devices, which has none and whose
// kernels are emulated element by element.
inline size_t long_length(const dist::Communicator& communicator, size_t n) {
  const bool on_host = communicator.name() == "local" || communicator.name() == "mpi";
  return (on_host ? n : n / 16) | 1;
}

// A 12-byte element: collectives that only move data take any trivially copyable type.
struct Triple {
  int32_t a, b, c;
  bool operator==(const Triple&) const = default;
};

}  // namespace polyscene::testing
