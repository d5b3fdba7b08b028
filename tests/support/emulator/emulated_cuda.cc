// Two emulated devices in place of CUDA devices. Linked instead of ops/device/device_absent.cc, this file makes
// `polyscene --device cuda` run completely without a GPU.
#include "ops/base/error.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene {

int cuda_devices() { return 2; }

std::shared_ptr<Device> make_cuda_device(int index) {
  require<DeviceError>(index >= 0 && index < cuda_devices(), "[device] wanted emulated device ", index, ", there are ",
                       cuda_devices());
  auto device = std::make_shared<testing::EmulatedDevice>();
  device->set_place(str("emulated ", index));
  return device;
}

}  // namespace polyscene
