#include "embedding/table/key_index.h"

namespace polyscene {

void KeyIndex::reset(int64_t capacity) {
  // 85 of 100 slots: fuller buckets overflow too often, emptier ones cost memory.
  const int64_t buckets = (capacity * 100 + kSlots * 85 - 1) / (kSlots * 85);
  buckets_ = {};
  buckets_ = std::vector<Bucket>(static_cast<size_t>(buckets));
  capacity_ = capacity;
}

int32_t KeyIndex::candidate(uint64_t hash) const {
  if (buckets_.empty()) return kNone;
  const Bucket& bucket = buckets_[home(hash)];
  for (uint32_t i = 0; i < bucket.used; ++i) {
    if (bucket.digest[i] == digest(hash)) return bucket.row[i];
  }
  return kNone;
}

void KeyIndex::insert(uint64_t hash, int32_t row) {
  size_t b = home(hash);
  while (buckets_[b].used == kSlots) b = next(b);
  Bucket& bucket = buckets_[b];
  bucket.digest[bucket.used] = digest(hash);
  bucket.row[bucket.used++] = row;
}

}  // namespace polyscene
