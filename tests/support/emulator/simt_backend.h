// The interface of ops/simt/simt.h on the emulator.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "ops/base/error.h"
#include "ops/device/stream.h"
#include "tests/support/emulator/emulator.h"
#include "tests/support/emulator/recording.h"

#define POLYSCENE_DEVICE inline
#define POLYSCENE_HOST_DEVICE inline

namespace polyscene::simt {

template <class T, int N>
struct alignas(N * sizeof(T)) Pack {
  static_assert(N * sizeof(T) <= 16, "no access is wider than 16 bytes");
  T at[N];
  T& operator[](int k) { return at[k]; }
  const T& operator[](int k) const { return at[k]; }
};

// Common base of Global and Shared.
template <class T>
class Memory {
  using Element = std::remove_const_t<T>;

 public:
  Element load(int64_t i, Where where = Where::current()) const { return *touch(i, 1, Access::kRead, where); }
  void store(int64_t i, T value, Where where = Where::current()) const { *touch(i, 1, Access::kWrite, where) = value; }
  template <int N>
  Pack<Element, N> load_pack(int64_t i, Where where = Where::current()) const {
    Pack<Element, N> pack;
    std::memcpy(&pack, touch(i, N, Access::kRead, where), sizeof(pack));
    return pack;
  }
  template <int N>
  void store_pack(int64_t i, const Pack<T, N>& pack, Where where = Where::current()) const {
    std::memcpy(touch(i, N, Access::kWrite, where), &pack, sizeof(pack));
  }
  T atomic_add(int64_t i, T value, Where where = Where::current()) const {
    T* p = touch(i, 1, Access::kAtomic, where);
    const T before = *p;
    *p = static_cast<T>(before + value);
    return before;
  }
  T atomic_max(int64_t i, T value, Where where = Where::current()) const {
    T* p = touch(i, 1, Access::kAtomic, where);
    const T before = *p;
    if (before < value) *p = value;
    return before;
  }
  T atomic_exchange(int64_t i, T value, Where where = Where::current()) const {
    T* p = touch(i, 1, Access::kAtomic, where);
    const T before = *p;
    *p = value;
    return before;
  }
  T atomic_compare_exchange(int64_t i, T expected, T value, Where where = Where::current()) const {
    T* p = touch(i, 1, Access::kAtomic, where);
    const T before = *p;
    if (before == expected) *p = value;
    return before;
  }

 protected:
  Memory(T* data, int64_t size) : data_(data), size_(size) {}

 private:
  T* touch(int64_t i, int count, Access kind, const Where& where) const {
    if (i < 0 || i + count > size_)
      throw Fault(str("access at ", place(where), " to element ", count == 1 ? i : i + count - 1, " of ", size_));
    const auto address = reinterpret_cast<uintptr_t>(data_ + i);
    if (const auto bytes = static_cast<uintptr_t>(count) * sizeof(T); address % bytes != 0)
      throw Fault(str("access at ", place(where), " to ", bytes, " bytes at once from element ", i,
                      ", which does not lie on a multiple of them"));
    BlockRun::current().access(address, count * static_cast<int64_t>(sizeof(T)), sizeof(T), kind, where);
    return data_ + i;
  }
  T* data_;
  int64_t size_;
};

template <class T>
class Global : public Memory<T> {
 public:
  Global(T* data, int64_t size) : Memory<T>(data, size) {}
};

template <class T>
class Shared : public Memory<T> {
 public:
  Shared(T* data, int64_t size) : Memory<T>(data, size) {}
};

class Thread {
 public:
  Thread(int thread, int64_t block, const LaunchShape& shape) : thread_(thread), block_(block), shape_(shape) {}
  [[nodiscard]] int thread() const { return thread_; }
  [[nodiscard]] int threads() const { return shape_.threads; }
  [[nodiscard]] int64_t block() const { return block_; }
  [[nodiscard]] int64_t blocks() const { return shape_.blocks; }
  [[nodiscard]] int lane() const { return thread_ % kWarpSize; }
  [[nodiscard]] int warp() const { return thread_ / kWarpSize; }
  [[nodiscard]] int warps() const { return shape_.threads / kWarpSize; }

  template <class T>
  Shared<T> shared(int64_t count, Where where = Where::current()) {
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    auto* data = static_cast<T*>(BlockRun::current().shared(shared_used_, bytes, where));
    shared_used_ += (bytes + 15) / 16 * 16;
    return {data, count};
  }

  void sync(Where where = Where::current()) { BlockRun::current().sync(where); }
  void sync_warp(uint32_t mask, Where where = Where::current()) {
    BlockRun::current().meet({"sync_warp", mask, 0, -1, true}, where);
  }
  template <class T>
  T shuffle(T value, int lane, uint32_t mask, Where where = Where::current()) {
    return exchange("shuffle", value, lane & (kWarpSize - 1), mask, where);
  }
  template <class T>
  T shuffle_xor(T value, int bits, uint32_t mask, Where where = Where::current()) {
    return exchange("shuffle_xor", value, lane() ^ bits, mask, where);
  }
  template <class T>
  T shuffle_down(T value, int lanes, uint32_t mask, Where where = Where::current()) {
    const int source = lane() + lanes;
    return exchange("shuffle_down", value, source < kWarpSize ? source : lane(), mask, where);
  }
  uint32_t smallest(uint32_t value, uint32_t mask, Where where = Where::current()) {
    for (int bits = kWarpSize / 2; bits > 0; bits /= 2) value = std::min(value, shuffle_xor(value, bits, mask, where));
    return value;
  }
  uint32_t ballot(bool flag, uint32_t mask, Where where = Where::current()) {
    return static_cast<uint32_t>(BlockRun::current().meet({"ballot", mask, flag ? 1u : 0u, -1}, where));
  }

 private:
  template <class T>
  T exchange(const char* what, T value, int source, uint32_t mask, const Where& where) {
    static_assert(sizeof(T) <= sizeof(uint64_t) && std::is_trivially_copyable_v<T>);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = BlockRun::current().meet({what, mask, bits, source}, where);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
  }
  int thread_;
  int64_t block_;
  LaunchShape shape_;
  int64_t shared_used_ = 0;
};

template <class Kernel>
void launch(const Stream& /*stream*/, const char* name, const LaunchShape& shape, const Kernel& kernel) {
  check_launch(name, shape);
  do_or_record([name, shape, kernel] {
    emulate(name, shape, [&](BlockRun& run, int thread) {
      Thread t(thread, run.block(), shape);
      kernel(t);
    });
  });
}

}  // namespace polyscene::simt
