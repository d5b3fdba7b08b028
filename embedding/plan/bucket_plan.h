// The buckets of a bounded table: each has `slots` rows, and each logical partition has `per_partition` buckets. The
// hash of a key alone decides its bucket, so the same keys compete for a bucket on any number of ranks.
#pragma once

#include <cstdint>

#include "embedding/plan/partition_map.h"

namespace polyscene::embedding {

struct BucketPlan {
  static constexpr int32_t kMinSlots = 32, kMaxSlots = 128;  // multiples of 16, the slots that one access reads

  int32_t slots = 0;  // 0: the table is unbounded
  int64_t per_partition = 0;
  int64_t buckets = 0;  // in all partitions together

  // The bucket, in [0, buckets), of a key's routing hash; the buckets of a partition are contiguous.
  [[nodiscard]] constexpr int64_t bucket(uint64_t routing_hash) const {
    return static_cast<int64_t>((static_cast<uint128>(routing_hash) * static_cast<uint64_t>(buckets)) >> 64);
  }
};

// Chooses the plan that holds the most rows up to max_rows, with at least 64 slots per bucket if possible; among equal
// plans, the one with the fewest buckets. max_rows is 0, or at least kMinSlots * partitions.
[[nodiscard]] BucketPlan plan_buckets(int64_t max_rows, int partitions);

}  // namespace polyscene::embedding
