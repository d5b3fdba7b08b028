#include "ops/tensor/tensor.h"

#include <cstdlib>
#include <cstring>

namespace polyscene {

std::shared_ptr<void> allocate_host(int64_t bytes) {
  const size_t rounded = (static_cast<size_t>(std::max<int64_t>(bytes, 1)) + 63) / 64 * 64;
  void* memory = std::aligned_alloc(64, rounded);
  require<DeviceError>(memory != nullptr, "[ops.memory] wanted ", bytes,
                       " bytes of host memory, the system has none left; try a smaller batch or fewer local ranks");
  return {memory, std::free};
}

Tensor::Tensor(DType dtype, Shape shape) : view_{nullptr, dtype, shape}, memory_(allocate_host(view_.bytes())) {
  view_.data = memory_.get();
  std::memset(view_.data, 0, static_cast<size_t>(view_.bytes()));
}

Tensor Tensor::clone() const {
  Tensor copy(dtype(), shape());
  std::memcpy(copy.view_.data, view_.data, static_cast<size_t>(view_.bytes()));
  return copy;
}

}  // namespace polyscene
