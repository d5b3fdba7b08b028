#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ops/device/stream.h"

namespace polyscene {

// One device that graphs run on: its memory and its queue. Work on the queue is done in order; the host does not wait
// for it unless it says so.
class Device {
 public:
  virtual ~Device() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Stream stream() const = 0;
  // At least one byte, on a multiple of 256, not initialised; the device must outlive it. Throws
  // DeviceError naming the bytes wanted and those free.
  [[nodiscard]] virtual std::shared_ptr<void> allocate(int64_t bytes) = 0;
  // On the queue; `host` may change when it returns.
  virtual void copy_in(void* device, const void* host, int64_t bytes) = 0;
  // Returns when the bytes are there, all work before included.
  virtual void copy_out(void* host, const void* device, int64_t bytes) = 0;
  // Returns when all work is done. Throws DeviceError when some of it failed.
  virtual void synchronize() = 0;
};

// CUDA device `index`. Throws DeviceError when this build has none, there is no driver or no such device.
[[nodiscard]] std::shared_ptr<Device> make_cuda_device(int index);

}  // namespace polyscene
