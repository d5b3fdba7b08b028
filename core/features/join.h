// Batches put together to one.
#pragma once

#include <span>

#include "core/features/batch.h"

namespace polyscene {

// The batches' rows one behind the other. All have the same columns; a bag that has weights in one of them has weight 1
// for the ids of those without. Throws InvalidArgument when a list column holds 2^31 elements or more in all.
[[nodiscard]] Batch join(std::span<const Batch* const> batches);

}  // namespace polyscene
