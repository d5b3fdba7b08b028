#include "core/session/flat_buffer.h"

#include <algorithm>

namespace polyscene::core {
namespace {

class HostBuffer : public FlatBuffer {
 public:
  explicit HostBuffer(int64_t count) : memory_(DType::kFloat32, {count}) { values_ = memory_.elements<float>(); }
  Tensor on_host() const override { return memory_; }
  void set(const Tensor& values) override {
    if (values.view().data != memory_.view().data) std::ranges::copy(values.elements<const float>(), values_.begin());
  }

 private:
  Tensor memory_;
};

class BufferOnDevice : public FlatBuffer {
 public:
  BufferOnDevice(Device& device, int64_t count, const std::string& consumer)
      : device_(device), memory_(device.allocate(count * int64_t{sizeof(float)}, consumer)) {
    values_ = {static_cast<float*>(memory_.get()), static_cast<size_t>(count)};
    device_.clear(values_.data(), bytes());
  }
  Tensor on_host() const override {
    Tensor copy(DType::kFloat32, {std::ssize(values_)});
    device_.copy_out(copy.view().data, values_.data(), bytes());
    return copy;
  }
  void set(const Tensor& values) override { device_.copy_in(values_.data(), values.view().data, bytes()); }

 private:
  [[nodiscard]] int64_t bytes() const { return static_cast<int64_t>(values_.size_bytes()); }

  Device& device_;
  std::shared_ptr<void> memory_;
};

}  // namespace

std::unique_ptr<FlatBuffer> make_host_buffer(int64_t count, const std::string& /*consumer*/) {
  return std::make_unique<HostBuffer>(count);
}

MakeFlatBuffer device_buffers(Device& device) {
  return [&device](int64_t count, const std::string& consumer) {
    return std::make_unique<BufferOnDevice>(device, count, consumer);
  };
}

}  // namespace polyscene::core
