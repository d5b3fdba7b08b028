// The index of a bounded table (TableSpec::max_rows > 0). A row lies in the bucket of its key: row = bucket * slots +
// slot, with one byte of hash per slot. A new key takes an empty slot, or else evicts the least recently used row of
// the bucket; among rows last used in the same step, the one with the smallest key. The contents of a table therefore
// depend neither on the order of keys within a step nor on slot numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "embedding/plan/bucket_plan.h"
#include "embedding/table/row_tag.h"

namespace polyscene::embedding {

class BoundedIndex {
 public:
  static constexpr int32_t kNone = -1;

  // The index of a rank's partitions, [first, end) of those in the plan. It is empty if the plan has no slots.
  BoundedIndex(const BucketPlan& plan, int first_partition, int end_partition);

  [[nodiscard]] bool used() const { return plan_.slots > 0; }
  [[nodiscard]] const BucketPlan& plan() const { return plan_; }
  [[nodiscard]] int64_t capacity() const { return std::ssize(digests_); }
  [[nodiscard]] bool holds(int32_t row) const { return digests_[row] != 0; }
  [[nodiscard]] int64_t memory_bytes() const { return digests_.capacity(); }

  // Tries the rows whose hash byte agrees with `hash`, a routing hash, until same_key(row) is true. Returns that row or
  // kNone.
  template <class SameKey>
  [[nodiscard]] int32_t find(uint64_t hash, SameKey&& same_key) const;
  void prefetch(uint64_t hash) const;
  // Finds a row for a key that has none. tag(row) returns the tag of a row that is present; rows used in `step` are not
  // evicted. Returns kNone if all rows of the bucket were used in `step`. Increments `evicted` if a row is evicted.
  template <class Tag>
  [[nodiscard]] int32_t place(uint64_t hash, int32_t step, Tag&& tag, int64_t& evicted);

 private:
  [[nodiscard]] static uint8_t digest(uint64_t hash) {
    const auto byte = static_cast<uint8_t>(hash);
    return byte == 0 ? 1 : byte;
  }
  [[nodiscard]] int32_t first_row(uint64_t hash) const {
    return static_cast<int32_t>((plan_.bucket(hash) - first_bucket_) * plan_.slots);
  }
  // The first slot of the bucket, from `slot` on, that holds `byte`; plan_.slots if there is none.
  [[nodiscard]] int32_t next_slot(int32_t first_row, int32_t slot, uint8_t byte) const;

  BucketPlan plan_;
  int64_t first_bucket_ = 0;
  std::vector<uint8_t> digests_;  // 0: empty
};

template <class SameKey>
int32_t BoundedIndex::find(uint64_t hash, SameKey&& same_key) const {
  const int32_t first = first_row(hash);
  for (int32_t slot = 0; (slot = next_slot(first, slot, digest(hash))) < plan_.slots; ++slot)
    if (same_key(first + slot)) return first + slot;
  return kNone;
}

template <class Tag>
int32_t BoundedIndex::place(uint64_t hash, int32_t step, Tag&& tag, int64_t& evicted) {
  const int32_t first = first_row(hash), empty = next_slot(first, 0, 0);
  int32_t best = empty < plan_.slots ? first + empty : kNone;
  if (best == kNone) {
    for (int32_t row = first; row < first + plan_.slots; ++row) {
      const RowTag& t = tag(row);
      if (t.access.last_step == step) continue;
      if (best == kNone || t.access.last_step < tag(best).access.last_step ||
          (t.access.last_step == tag(best).access.last_step && t.key < tag(best).key))
        best = row;
    }
    evicted += best == kNone ? 0 : 1;
  }
  if (best != kNone) digests_[best] = digest(hash);
  return best;
}

}  // namespace polyscene::embedding
