// Programs that link the device kernels use their ordered_reduce instead: this file is a member of an archive, and a
// linker takes a member only for symbols that are still undefined.
#include "dist/device/ordered_reduce.h"

namespace polyscene::dist {

void ordered_reduce(const Stream& /*stream*/, DType /*dtype*/, ReduceOp /*op*/, const OrderedSources& /*sources*/,
                    void* /*output*/) {
  throw DeviceError(
      "[dist.nccl] sums in rank order want a kernel that this program was built without; configure with "
      "-DPOLYSCENE_CUDA=ON on a host with nvcc");
}

}  // namespace polyscene::dist
