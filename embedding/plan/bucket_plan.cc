#include "embedding/plan/bucket_plan.h"

namespace polyscene::embedding {

BucketPlan plan_buckets(int64_t max_rows, int partitions) {
  BucketPlan best;
  const int64_t of_partition = max_rows / partitions;
  for (int32_t slots = BucketPlan::kMaxSlots; slots >= BucketPlan::kMinSlots; slots -= 16) {
    // Small buckets evict less well-chosen rows and overflow sooner.
    if (slots < 64 && best.slots > 0) break;
    const int64_t buckets = of_partition / slots;
    if (buckets * slots > best.per_partition * best.slots)
      best = {.slots = slots, .per_partition = buckets, .buckets = buckets * partitions};
  }
  return best;
}

}  // namespace polyscene::embedding
