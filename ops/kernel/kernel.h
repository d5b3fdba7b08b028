// The arguments of a kernel: attributes, tensors, temporary memory and, on a device, the stream on which it is queued.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/device/stream.h"
#include "ops/kernel/attributes.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

class Device;

// Temporary memory of one kernel call; every get() within one call returns a different region.
class Scratch {
 public:
  // On the host (nullptr) or on a device, which must outlive this object.
  explicit Scratch(Device* device = nullptr) : device_(device) {}
  // 64-byte aligned, not initialised, valid until the kernel returns. Call from the kernel's first thread only.
  template <class T>
  [[nodiscard]] std::span<T> get(int64_t count) {
    return std::span(static_cast<T*>(allocate(count * int64_t{sizeof(T)})), count);
  }
  // Makes all regions available again; their memory is kept for the next kernel.
  void reset() { used_ = 0; }
  // The number of allocations so far. While it does not change, the same calls return the same regions.
  [[nodiscard]] int64_t allocations() const { return allocations_; }

 private:
  void* allocate(int64_t bytes);
  struct Block {
    std::shared_ptr<void> memory;
    int64_t bytes;
  };
  Device* device_;
  std::vector<Block> blocks_;
  size_t used_ = 0;
  int64_t allocations_ = 0;
};

// How matrix products round their inputs; sums stay float32. Products of double ignore it.
enum class ProductPrecision {
  kFloat32,   // no rounding
  kTf32,      // to 10 bits of mantissa if the device has a unit for it; like kFloat32 on the CPU
  kBfloat16,  // to 7 bits
};

// Inputs and outputs are contiguous, of the inferred types, and do not overlap unless the op aliases.
struct KernelContext {
  const Attributes& attributes;
  std::span<const TensorView> inputs, outputs;
  Scratch& scratch;
  ProductPrecision precision = ProductPrecision::kFloat32;
  Stream stream{};  // stream of the device; unused on the CPU
};

}  // namespace polyscene
