// Where the rows of a table with a bound may lie: in buckets of `slots` rows, `per_partition` of them to each logical
// partition. Which keys compete for a place follows from their hash alone, so it is the same on any number of ranks.
#pragma once

#include <cstdint>

#include "embedding/plan/partition_map.h"

namespace polyscene {

struct BucketPlan {
  static constexpr int32_t kMinSlots = 32, kMaxSlots = 128;  // multiples of 16, which is what one access reads

  int32_t slots = 0;  // 0: the table has no bound
  int64_t per_partition = 0;
  int64_t buckets = 0;  // of all partitions

  // Bucket, in [0, buckets), of a key's routing hash; those of a partition lie side by side.
  [[nodiscard]] constexpr int64_t bucket(uint64_t routing_hash) const {
    return static_cast<int64_t>((static_cast<uint128>(routing_hash) * static_cast<uint64_t>(buckets)) >> 64);
  }
};

// The most rows that fit below max_rows with 64 slots or more, where so many fit, and of equals the fewest buckets.
// max_rows is 0, or at least kMinSlots * partitions.
[[nodiscard]] BucketPlan plan_buckets(int64_t max_rows, int partitions);

}  // namespace polyscene
