// Runs a kernel on the CPU: the blocks of a launch one after the other in random order, the threads of a block in an
// adversarial one, every access checked.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/simt/emulator/block_run.h"

namespace polyscene::simt {

// Of the schedules of the calling thread's next launches.
void set_emulator_seed(uint64_t seed);

// Throws Fault, which names the kernel and the seed.
void emulate(const char* kernel, const LaunchShape& shape, const BlockRun::Body& body);

}  // namespace polyscene::simt
