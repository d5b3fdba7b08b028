// Programs that link the kernels of devices have their own ordered_reduce instead: this file is a member of an archive,
// which a linker takes only for names that nothing has defined.
#include "dist/device/ordered_reduce.h"

namespace polyscene {

void ordered_reduce(const Stream& /*stream*/, DType /*dtype*/, ReduceOp /*op*/, const OrderedSources& /*sources*/,
                    void* /*output*/) {
  throw DeviceError(
      "[dist.nccl] sums in rank order want a kernel that this program was built without; configure with "
      "-DPOLYSCENE_CUDA=ON where nvcc is");
}

}  // namespace polyscene
