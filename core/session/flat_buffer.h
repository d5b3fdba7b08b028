// A flat buffer of floats in the memory of the host or of a device, and its way to the host and back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "ops/device/device.h"
#include "ops/tensor/tensor.h"

namespace polyscene::core {

// The buffer is freed with this object.
class FlatBuffer {
 public:
  virtual ~FlatBuffer() = default;

  // In the memory of the host or of the device.
  [[nodiscard]] std::span<float> values() const { return values_; }
  // values() in host memory: the buffer itself on the host, otherwise a copy. May wait for the device.
  [[nodiscard]] virtual Tensor on_host() const = 0;
  // Takes as many float32 values as there are; they may be those of on_host().
  virtual void set(const Tensor& values) = 0;

 protected:
  std::span<float> values_;  // set by the constructor of each kind
};

// Makes a buffer of `count` zeros. consumer: see Device::allocate().
using MakeFlatBuffer = std::function<std::unique_ptr<FlatBuffer>(int64_t count, const std::string& consumer)>;

// Makes a buffer in host memory, where no consumer is counted.
[[nodiscard]] std::unique_ptr<FlatBuffer> make_host_buffer(int64_t count, const std::string& consumer);

// Makes buffers in the memory of a device, which must outlive them.
[[nodiscard]] MakeFlatBuffer device_buffers(Device& device);

}  // namespace polyscene::core
