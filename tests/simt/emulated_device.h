// A device whose memory is the host's and whose kernels the emulator runs; new memory is filled with NaN.
#pragma once

#include <cstring>

#include "ops/device/device.h"
#include "ops/tensor/tensor.h"

namespace polyscene::testing {

class EmulatedDevice : public Device {
 public:
  [[nodiscard]] std::string name() const override { return "the emulated device"; }
  [[nodiscard]] Stream stream() const override { return {}; }
  [[nodiscard]] std::shared_ptr<void> allocate(int64_t bytes) override {
    std::shared_ptr<void> memory = allocate_host(bytes);  // on a multiple of 64: what kernels ask for is 16
    std::memset(memory.get(), 0xFF, static_cast<size_t>(bytes));
    return memory;
  }
  void copy_in(void* device, const void* host, int64_t bytes) override {
    std::memcpy(device, host, static_cast<size_t>(bytes));
  }
  void copy_out(void* host, const void* device, int64_t bytes) override {
    std::memcpy(host, device, static_cast<size_t>(bytes));
  }
  void synchronize() override {}
};

}  // namespace polyscene::testing
