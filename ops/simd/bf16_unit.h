// The unit that multiplies bfloat16 numbers on this machine.
#pragma once

#include <cstdint>

namespace polyscene::ops {

// In ascending order: products of rounded floats, dot products of pairs (AVX512-BF16), products of tiles (AMX).
enum class Bf16Unit : uint8_t { kRounding, kPairs, kTiles };

// The highest unit that the processor has and the system permits: tiles need the kernel's permission, which the first
// call asks for, once per process.
[[nodiscard]] Bf16Unit bf16_unit();

// Limits bf16_unit() to this unit from now on; kTiles removes the limit. Must not be called while a kernel runs.
void limit_bf16_unit_for_test(Bf16Unit most);

}  // namespace polyscene::ops
