// Memory for random access. Finding a row costs a few dependent cache misses, and with small pages most of them also
// miss the TLB, so blocks that can hold a huge page ask for huge pages.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace polyscene::embedding {

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};
using LargeMemory = std::unique_ptr<char, FreeMemory>;

// At least 64-byte aligned, not initialised. Throws DeviceError naming the size if there is no memory.
[[nodiscard]] LargeMemory allocate_large(int64_t bytes);

}  // namespace polyscene::embedding
