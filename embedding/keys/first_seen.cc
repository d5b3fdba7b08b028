#include "embedding/keys/first_seen.h"

#include <utility>

namespace polyscene::embedding {

void FirstSeen::grow() {
  std::swap(slots_, old_);
  const uint64_t old_mask = std::exchange(mask_, mask_ * 2 + 1);
  const uint32_t old_run = run_;
  allocate(std::max(at64(mask_) + 1, slots_.size()));
  for (uint64_t i = 0; i <= old_mask; ++i) {
    const Slot& slot = old_[at64(i)];
    if (slot.run != old_run) continue;
    uint64_t at = home(slot.key);
    while (slots_[at64(at)].run == run_) at = (at + 1) & mask_;
    slots_[at64(at)] = {.key = slot.key, .number = slot.number, .run = run_};
  }
}

}  // namespace polyscene::embedding
