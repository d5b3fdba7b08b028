// Concatenation of batches.
#pragma once

#include <span>

#include "core/features/batch.h"

namespace polyscene::core {

// The batches' rows, concatenated. All batches must have the same columns. If a bag has weights in one batch only, its
// ids in the other batches get weight 1. Throws InvalidArgument when a list column would hold 2^31 elements or more.
[[nodiscard]] Batch join(std::span<const Batch* const> batches);

}  // namespace polyscene::core
