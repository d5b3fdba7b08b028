// Programs that link polyscene_ops_cuda use its functions instead of these: this file is a member of an archive, and a
// linker takes a member only for symbols that are still undefined.
#include "ops/base/error.h"
#include "ops/device/device.h"

namespace polyscene {

int cuda_devices() {
  throw DeviceError(
      "[device] wanted a CUDA device, but this program was built without CUDA; configure with -DPOLYSCENE_CUDA=ON on a "
      "host with nvcc, or use --device cpu");
}

std::shared_ptr<Device> make_cuda_device(int /*index*/) {
  (void)cuda_devices();
  return nullptr;
}

}  // namespace polyscene
