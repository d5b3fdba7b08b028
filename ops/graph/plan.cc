#include "ops/graph/plan.h"

#include <algorithm>

namespace polyscene {
namespace {

struct Region {
  int64_t offset, bytes;
};

// Free regions by offset; neighbouring regions are merged.
class FreeList {
 public:
  int64_t take(int64_t bytes) {
    auto best = regions_.end();
    for (auto r = regions_.begin(); r != regions_.end(); ++r)
      if (r->bytes >= bytes && (best == regions_.end() || r->bytes < best->bytes)) best = r;
    if (best == regions_.end()) return grow(bytes);
    const int64_t offset = best->offset;
    best->offset += bytes;
    best->bytes -= bytes;
    if (best->bytes == 0) regions_.erase(best);
    return offset;
  }
  void give_back(Region region) {
    auto next = std::ranges::lower_bound(regions_, region.offset, {}, &Region::offset);
    next = regions_.insert(next, region);
    if (next + 1 != regions_.end() && next->offset + next->bytes == (next + 1)->offset) {
      next->bytes += (next + 1)->bytes;
      regions_.erase(next + 1);
    }
    if (next != regions_.begin() && (next - 1)->offset + (next - 1)->bytes == next->offset) {
      (next - 1)->bytes += next->bytes;
      regions_.erase(next);
    }
  }
  [[nodiscard]] int64_t end() const { return end_; }

 private:
  // The arena's last free region, if any, is extended rather than left behind as a hole.
  int64_t grow(int64_t bytes) {
    int64_t offset = end_;
    if (!regions_.empty() && regions_.back().offset + regions_.back().bytes == end_) {
      offset = regions_.back().offset;
      regions_.pop_back();
    }
    end_ = offset + bytes;
    return offset;
  }
  std::vector<Region> regions_;
  int64_t end_ = 0;
};

}  // namespace

MemoryPlan plan_memory(std::span<const Lifetime> blocks) {
  struct Live {
    int32_t last;
    Region region;
  };
  MemoryPlan plan;
  FreeList free_list;
  std::vector<Live> live;
  for (const Lifetime& block : blocks) {
    std::erase_if(live, [&](const Live& l) {
      if (l.last >= block.first) return false;
      free_list.give_back(l.region);
      return true;
    });
    const int64_t bytes = (std::max<int64_t>(block.bytes, 1) + 63) / 64 * 64;
    const int64_t offset = free_list.take(bytes);
    plan.offsets.push_back(offset);
    live.push_back({block.last, {offset, bytes}});
  }
  plan.arena_bytes = free_list.end();
  return plan;
}

}  // namespace polyscene
