#include "ops/tensor/tensor.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace polyscene {

std::shared_ptr<void> allocate_host(int64_t bytes) {
  // Large blocks ask for huge pages, because kernels that jump between rows would otherwise wait for address
  // translation.
  constexpr size_t kLine = 64, kHugePage = size_t{2} << 20;
  const size_t wanted = std::max<int64_t>(bytes, 1);
  const size_t unit = wanted >= 2 * kHugePage ? kHugePage : kLine, rounded = (wanted + unit - 1) / unit * unit;
  void* memory = std::aligned_alloc(unit, rounded);
  require<DeviceError>(memory != nullptr, "[ops.memory] wanted ", bytes,
                       " bytes of host memory, the system has none left; try a smaller batch or fewer local ranks");
  if (unit == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // a hint: failure does no harm
  return {memory, std::free};
}

Tensor::Tensor(DType dtype, Shape shape) : view_{nullptr, dtype, shape}, memory_(allocate_host(view_.bytes())) {
  view_.data = memory_.get();
  std::memset(view_.data, 0, view_.bytes());
}

Tensor Tensor::clone() const {
  Tensor copy(dtype(), shape());
  std::memcpy(copy.view_.data, view_.data, view_.bytes());
  return copy;
}

}  // namespace polyscene
