// Memory that a step reuses: it grows if needed, never shrinks, and is not initialised.
#pragma once

#include <memory>
#include <span>
#include <type_traits>

#include "ops/tensor/tensor.h"

namespace polyscene::embedding {

template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // `size` elements of unspecified content; invalidates earlier spans.
  std::span<T> resize(int64_t size) {
    if (size > capacity_) {
      memory_.reset();  // the old block first: the peak is one block
      capacity_ = size + size / 4;
      memory_ = allocate_host(capacity_ * int64_t{sizeof(T)});
    }
    size_ = size;
    return span();
  }
  [[nodiscard]] std::span<T> span() { return {data(), static_cast<size_t>(size_)}; }
  [[nodiscard]] std::span<const T> span() const { return {data(), static_cast<size_t>(size_)}; }
  [[nodiscard]] T* data() const { return static_cast<T*>(memory_.get()); }
  [[nodiscard]] int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }

 private:
  std::shared_ptr<void> memory_;
  int64_t size_ = 0, capacity_ = 0;
};

}  // namespace polyscene::embedding
