// Device memory that a step reuses: it grows if needed, never shrinks, and is not initialised.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "ops/device/device.h"

namespace polyscene {

template <class T>
class DeviceBuffer {
 public:
  // The device must outlive the buffer. consumer: see Device::allocate.
  DeviceBuffer(Device& device, std::string consumer) : device_(&device), consumer_(std::move(consumer)) {}

  // Makes room for `size` elements of unspecified content; invalidates earlier addresses.
  T* resize(int64_t size) {
    if (size > capacity_) {
      memory_.reset();  // frees the old block first: the peak is one block
      capacity_ = 0;
      const int64_t wanted = size + size / 4;
      memory_ = device_->allocate(wanted * int64_t{sizeof(T)}, consumer_);
      capacity_ = wanted;
    }
    return data();
  }
  // Resizes the buffer and fills it from the host.
  T* assign(std::span<const T> values) {
    resize(std::ssize(values));
    device_->copy_in(data(), values.data(), values.size_bytes());
    return data();
  }
  // Resizes the buffer and fills it with zeros.
  T* resize_cleared(int64_t size) {
    resize(size);
    if (size > 0) device_->clear(data(), size * int64_t{sizeof(T)});
    return data();
  }
  [[nodiscard]] T* data() const { return static_cast<T*>(memory_.get()); }
  [[nodiscard]] int64_t capacity_bytes() const { return capacity_ * int64_t{sizeof(T)}; }

 private:
  Device* device_;
  std::string consumer_;
  std::shared_ptr<void> memory_;
  int64_t capacity_ = 0;
};

}  // namespace polyscene
