// Open addressing from hashes to row indices. A bucket is one cache line: twelve row indices with one byte of hash
// each; a full bucket overflows into the next. Keys are stored with their rows, so the index can be rebuilt from them
// and grows by an eighth at a time instead of doubling: 6.3 to 7.1 bytes per row.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "embedding/table/large_memory.h"
#include "ops/base/philox.h"

namespace polyscene::embedding {

class KeyIndex {
 public:
  static constexpr int32_t kNone = -1;

  // The number of rows that fit before the index must be rebuilt.
  [[nodiscard]] int64_t capacity() const { return capacity_; }
  // The capacity to rebuild with if `rows` rows are wanted.
  [[nodiscard]] static int64_t grown(int64_t rows) { return std::max<int64_t>(kMinCapacity, rows + rows / 8); }
  // Empties the index and makes room for `capacity` rows. The old memory is freed first.
  void reset(int64_t capacity);
  // The row for which same_key(row) is true, among those inserted under `hash`; kNone if there is none.
  template <class SameKey>
  [[nodiscard]] int32_t find(uint64_t hash, SameKey&& same_key) const;
  // The row to compare with first (its hash byte agrees), or kNone; used to prefetch its key.
  [[nodiscard]] int32_t candidate(uint64_t hash) const;
  // The key of `hash` must be absent, and fewer than capacity() rows inserted.
  void insert(uint64_t hash, int32_t row);
  void prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[home(hash)]); }
  [[nodiscard]] int64_t memory_bytes() const { return count_ * sizeof(Bucket); }

 private:
  static constexpr int kSlots = 12;
  static constexpr int64_t kMinCapacity = 64;

  struct alignas(64) Bucket {
    uint8_t digest[kSlots];
    uint32_t used;
    int32_t row[kSlots];
  };
  static_assert(sizeof(Bucket) == 64);

  [[nodiscard]] size_t home(uint64_t hash) const {
    return static_cast<size_t>((static_cast<uint128>(hash) * count_) >> 64);
  }
  [[nodiscard]] size_t next(size_t bucket) const { return bucket + 1 == count_ ? 0 : bucket + 1; }
  // Bit i is set if slot i is used and its hash byte agrees. Has no branches, because the position of a match cannot be
  // predicted.
  [[nodiscard]] static uint32_t matches(const Bucket& bucket, uint64_t hash) {
    uint32_t bits = 0;
    for (int i = 0; i < kSlots; ++i) bits |= static_cast<uint32_t>(bucket.digest[i] == digest(hash)) << i;
    return bits & ((1u << bucket.used) - 1);
  }
  [[nodiscard]] static uint8_t digest(uint64_t hash) { return static_cast<uint8_t>(hash); }

  LargeMemory memory_;
  Bucket* buckets_ = nullptr;
  size_t count_ = 0;  // number of buckets
  int64_t capacity_ = 0;
};

template <class SameKey>
int32_t KeyIndex::find(uint64_t hash, SameKey&& same_key) const {
  if (count_ == 0) return kNone;
  for (size_t b = home(hash);; b = next(b)) {
    const Bucket& bucket = buckets_[b];
    for (uint32_t match = matches(bucket, hash); match != 0; match &= match - 1) {
      const int32_t row = bucket.row[std::countr_zero(match)];
      if (same_key(row)) return row;
    }
    if (bucket.used < kSlots) return kNone;
  }
}

}  // namespace polyscene::embedding
