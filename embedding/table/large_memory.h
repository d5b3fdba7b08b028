// Memory for random access. A row is found by a few dependent misses, and with small pages most of them miss the TLB as
// well, so blocks that can hold a huge page ask for them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace polyscene {

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};
using LargeMemory = std::unique_ptr<char, FreeMemory>;

// At least 64-byte aligned, not initialised. Throws DeviceError naming the size when there is no memory.
[[nodiscard]] LargeMemory allocate_large(int64_t bytes);

}  // namespace polyscene
