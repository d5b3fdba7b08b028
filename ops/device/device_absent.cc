// Programs that link polyscene_ops_cuda have its make_cuda_device instead: this file is a member of an archive, which a
// linker takes only for names that nothing has defined.
#include "ops/base/error.h"
#include "ops/device/device.h"

namespace polyscene {

std::shared_ptr<Device> make_cuda_device(int index) {
  throw DeviceError(
      str("[device] wanted CUDA device ", index,
          ", but this program was built without CUDA; configure with -DPOLYSCENE_CUDA=ON where nvcc is, or "
          "run on the CPU"));
}

}  // namespace polyscene
