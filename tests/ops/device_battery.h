// What the battery of device kernels needs from the program that it is linked into.
#pragma once

#include <cstdint>

#include "ops/device/device.h"

namespace polyscene::testing {

[[nodiscard]] Device& battery_device();
// Runs the following kernels under another schedule, if the device has a choice of schedules.
void choose_schedule(uint64_t seed);

}  // namespace polyscene::testing
