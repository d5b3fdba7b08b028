// What the battery over kernels of devices needs from the program it is part of.
#pragma once

#include <cstdint>

#include "ops/device/device.h"

namespace polyscene::testing {

[[nodiscard]] Device& battery_device();
// Runs the kernels that follow under another schedule, where there is a choice.
void choose_schedule(uint64_t seed);

}  // namespace polyscene::testing
