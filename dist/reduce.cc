#include "dist/reduce.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace polyscene::dist {
namespace {

// Small enough for the first-level cache, so that every source is read, and every output written, exactly once.
constexpr size_t kBlockBytes = 8192;

template <class T>
struct Sum {
  static T apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      using Unsigned = std::make_unsigned_t<T>;
      return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
    } else {
      return a + b;
    }
  }
};

template <class T>
struct Min {
  static T apply(T a, T b) { return b < a || b != b ? b : a; }
};

template <class T>
struct Max {
  static T apply(T a, T b) { return b > a || b != b ? b : a; }
};

template <class T, template <class> class Op>
void combine(T* __restrict into, const T* __restrict from, size_t count) {
  for (size_t i = 0; i < count; ++i) into[i] = Op<T>::apply(into[i], from[i]);
}

template <class T, template <class> class Op>
void reduce_blocks(std::span<const void* const> sources, std::span<void* const> outputs, size_t count) {
  constexpr size_t kBlock = kBlockBytes / sizeof(T);
  alignas(64) T block[kBlock];
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t length = std::min(kBlock, count - begin);
    std::memcpy(block, static_cast<const T*>(sources[0]) + begin, length * sizeof(T));
    for (const void* source : sources.subspan(1)) {
      combine<T, Op>(block, static_cast<const T*>(source) + begin, length);
    }
    for (void* output : outputs) std::memcpy(static_cast<T*>(output) + begin, block, length * sizeof(T));
  }
}

template <class T>
void reduce_typed(ReduceOp op, std::span<const void* const> sources, std::span<void* const> outputs, size_t count) {
  switch (op) {
    case ReduceOp::kSum:
      return reduce_blocks<T, Sum>(sources, outputs, count);
    case ReduceOp::kMin:
      return reduce_blocks<T, Min>(sources, outputs, count);
    case ReduceOp::kMax:
      return reduce_blocks<T, Max>(sources, outputs, count);
  }
}

}  // namespace

void reduce_in_order(DType dtype, ReduceOp op, std::span<const void* const> sources, std::span<void* const> outputs,
                     size_t count) {
  switch (dtype) {
    case DType::kFloat32:
      return reduce_typed<float>(op, sources, outputs, count);
    case DType::kFloat64:
      return reduce_typed<double>(op, sources, outputs, count);
    case DType::kInt32:
      return reduce_typed<int32_t>(op, sources, outputs, count);
    case DType::kInt64:
      return reduce_typed<int64_t>(op, sources, outputs, count);
  }
}

}  // namespace polyscene::dist
