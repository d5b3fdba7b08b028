#include "ops/simd/workspace.h"

#include "ops/tensor/tensor.h"

namespace polyscene::ops {

float* thread_workspace(int64_t floats) {
  thread_local std::shared_ptr<void> memory;
  thread_local int64_t size = 0;
  if (size < floats) {
    memory = allocate_host(floats * int64_t{sizeof(float)});
    size = floats;
  }
  return static_cast<float*>(memory.get());
}

}  // namespace polyscene::ops
