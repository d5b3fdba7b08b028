#include "tests/simt/device_battery.h"
#include "tests/simt/emulated_device.h"
#include "tests/simt/emulator/emulator.h"

namespace polyscene::testing {

Device& battery_device() {
  static EmulatedDevice device;
  return device;
}

void choose_schedule(uint64_t seed) { simt::set_emulator_seed(seed); }

}  // namespace polyscene::testing
