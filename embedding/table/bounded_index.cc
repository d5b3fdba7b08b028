#include "embedding/table/bounded_index.h"

#include <cstring>

namespace polyscene::embedding {

BoundedIndex::BoundedIndex(const BucketPlan& plan, int first_partition, int end_partition)
    : plan_(plan),
      first_bucket_(first_partition * plan.per_partition),
      digests_((end_partition - first_partition) * plan.per_partition * plan.slots) {}

void BoundedIndex::prefetch(uint64_t hash) const {
  const uint8_t* first = digests_.data() + first_row(hash);
  for (int32_t at = 0; at < plan_.slots; at += 64) __builtin_prefetch(first + at);
}

int32_t BoundedIndex::next_slot(int32_t first_row, int32_t slot, uint8_t byte) const {
  const uint8_t* first = digests_.data() + first_row;
  const void* found = std::memchr(first + slot, byte, plan_.slots - slot);
  return found == nullptr ? plan_.slots : static_cast<int32_t>(static_cast<const uint8_t*>(found) - first);
}

}  // namespace polyscene::embedding
