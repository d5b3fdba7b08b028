// What multiplies bfloat16 numbers on this machine.
#pragma once

#include <cstdint>

namespace polyscene::ops {

// From least to most: products of rounded floats, dot products of pairs (AVX512-BF16), products of tiles (AMX).
enum class Bf16Unit : uint8_t { kRounding, kPairs, kTiles };

// The most that the processor can and the system lets us: tiles need the kernel's permission, asked for at the first
// call, once per process.
[[nodiscard]] Bf16Unit bf16_unit();

// At most this one from now on; kTiles for no limit. Not while a kernel runs.
void limit_bf16_unit_for_test(Bf16Unit most);

}  // namespace polyscene::ops
