// Runs a kernel on the CPU: the blocks of a launch in sequence, in random order; the threads of a block in an
// adversarial order; and checks every memory access.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/support/emulator/block_run.h"

namespace polyscene::simt {

// Sets the seed of the schedules of the calling thread's next launches.
void set_emulator_seed(uint64_t seed);

// Runs `body` for every thread of the launch. Throws Fault, which names kernel and seed, on a data race, an invalid
// access or a deadlock.
void emulate(const char* kernel, const LaunchShape& shape, const BlockRun::Body& body);

}  // namespace polyscene::simt
