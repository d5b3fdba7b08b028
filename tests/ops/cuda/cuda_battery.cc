#include "tests/ops/device_battery.h"

namespace polyscene::testing {

Device& battery_device() {
  static const std::shared_ptr<Device> device = make_cuda_device(0);
  return *device;
}

void choose_schedule(uint64_t /*seed*/) {}  // the device's own

}  // namespace polyscene::testing
