// Inputs for OpDefinition::samples: small, reproducible, and away from kinks.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/graph/op.h"

namespace polyscene::ops {

// Doubles of either sign with 0.1 <= |x| < 1, exactly representable as float32, the same for the same seed.
[[nodiscard]] Tensor sample_tensor(Shape shape, uint64_t seed);

// Doubles 0.51 <= x < 1.5, likewise.
[[nodiscard]] Tensor sample_positive(Shape shape, uint64_t seed);

// int32 in [0, rows); with kSome about one in eight is -1 instead, a missing row.
enum class MissingRows : uint8_t { kNone, kSome };
[[nodiscard]] Tensor sample_index(Shape shape, int64_t rows, uint64_t seed, MissingRows missing = MissingRows::kSome);

// int32 [lengths + 1]: the running sums of `lengths`, from 0.
[[nodiscard]] Tensor sample_offsets(std::vector<int32_t> lengths);

}  // namespace polyscene::ops
