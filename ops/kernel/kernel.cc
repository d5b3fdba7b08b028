#include "ops/kernel/kernel.h"

#include <algorithm>

#include "ops/device/device.h"

namespace polyscene {

void* Scratch::allocate(int64_t bytes) {
  static const std::string kConsumer = "temporary values of kernels";
  // Regions are handed out in the order of the calls, because kernels ask for the same regions in the same order at
  // every step.
  if (used_ == blocks_.size()) blocks_.push_back({nullptr, 0});
  Block& block = blocks_[used_++];
  if (block.memory == nullptr || block.bytes < bytes) {
    block.bytes = block.memory == nullptr ? bytes : bytes + bytes / 4;
    block.memory.reset();
    block.memory = allocate_on(device_, block.bytes, kConsumer);
    ++allocations_;
  }
  return block.memory.get();
}

}  // namespace polyscene
