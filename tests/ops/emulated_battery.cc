#include "tests/ops/device_battery.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/emulator/emulator.h"

namespace polyscene::testing {

Device& battery_device() {
  static EmulatedDevice device;
  return device;
}

void choose_schedule(uint64_t seed) { simt::set_emulator_seed(seed); }

}  // namespace polyscene::testing
