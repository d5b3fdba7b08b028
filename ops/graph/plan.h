// Memory planning: every intermediate value gets a place in one arena; values whose lifetimes do not overlap share it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace polyscene {

// A block that must be kept from the step that writes it to the last step that reads it, both inclusive.
struct Lifetime {
  int64_t bytes = 0;
  int32_t first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  // per block, 64-byte aligned
  int64_t arena_bytes = 0;
};

// Best-fit over the steps in order; `blocks` must be sorted by `first`. Deterministic.
[[nodiscard]] MemoryPlan plan_memory(std::span<const Lifetime> blocks);

}  // namespace polyscene
