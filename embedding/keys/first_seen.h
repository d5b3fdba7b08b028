// A hash set that numbers keys 0, 1, ... in order of first appearance. Open addressing at a load of at most one half;
// slots are stamped with the run they belong to, so that emptying the set between batches costs nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "embedding/keys/buffer.h"
#include "ops/base/philox.h"

namespace polyscene::embedding {

class FirstSeen {
 public:
  // Empties the set and makes room for about `expected` keys; it grows beyond when needed.
  void reset(int64_t expected) {
    const int64_t slots = std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(expected, 16)) * 2);
    if (slots > slots_.size()) allocate(slots);
    mask_ = slots - 1;
    size_ = 0;
    if (++run_ == 0) allocate(slots_.size());
  }

  [[nodiscard]] int32_t size() const { return size_; }

  // Returns the number of `key`; a key not seen since reset() gets the next one. same(number) decides between entries
  // of equal key: it returns true if the key is the whole entry, and compares the entries if the key is only a hash of
  // them.
  template <class Same>
  int32_t insert(uint64_t key, Same&& same) {
    uint64_t at = home(key);
    for (; slots_[at64(at)].run == run_; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at64(at)];
      if (slot.key == key && same(slot.number)) return slot.number;
    }
    slots_[at64(at)] = {.key = key, .number = size_, .run = run_};
    if (static_cast<uint64_t>(++size_) * 2 > mask_) grow();
    return size_ - 1;
  }
  int32_t insert(uint64_t key) {
    return insert(key, [](int32_t) { return true; });
  }
  void prefetch(uint64_t key) const { __builtin_prefetch(slots_.data() + home(key)); }
  // Whether the slots outgrow the caches near the core, so that prefetching pays.
  [[nodiscard]] bool large() const { return mask_ >= kLargeSlots; }

 private:
  struct Slot {
    uint64_t key;
    int32_t number;
    uint32_t run;
  };
  static constexpr uint64_t kLargeSlots = 1 << 15;

  static int64_t at64(uint64_t at) { return at; }
  // Mixes both halves of the product: the low half separates keys by their low bits, the high half by their high bits.
  [[nodiscard]] uint64_t home(uint64_t key) const {
    const uint128 product = static_cast<uint128>(key) * 0x9E3779B97F4A7C15ull;
    return (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) & mask_;
  }

  void allocate(int64_t slots) {
    std::ranges::fill(slots_.resize(slots), Slot{});
    run_ = 1;
  }
  void grow();

  Buffer<Slot> slots_, old_;
  uint64_t mask_ = 0;
  int32_t size_ = 0;
  uint32_t run_ = 0;
};

}  // namespace polyscene::embedding
