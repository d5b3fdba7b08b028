#include "embedding/table/key_index.h"

#include <memory>

namespace polyscene::embedding {

void KeyIndex::reset(int64_t capacity) {
  // Buckets are filled to 85 %: fuller ones overflow too often, emptier ones cost memory.
  const int64_t buckets = (capacity * 100 + kSlots * 85 - 1) / (kSlots * 85);
  memory_.reset();
  memory_ = allocate_large(buckets * int64_t{sizeof(Bucket)});
  buckets_ = reinterpret_cast<Bucket*>(memory_.get());
  count_ = buckets;
  std::uninitialized_value_construct_n(buckets_, count_);
  capacity_ = capacity;
}

int32_t KeyIndex::candidate(uint64_t hash) const {
  if (count_ == 0) return kNone;
  const Bucket& bucket = buckets_[home(hash)];
  const uint32_t match = matches(bucket, hash);
  return match == 0 ? kNone : bucket.row[std::countr_zero(match)];
}

void KeyIndex::insert(uint64_t hash, int32_t row) {
  size_t b = home(hash);
  while (buckets_[b].used == kSlots) b = next(b);
  Bucket& bucket = buckets_[b];
  bucket.digest[bucket.used] = digest(hash);
  bucket.row[bucket.used++] = row;
}

}  // namespace polyscene::embedding
