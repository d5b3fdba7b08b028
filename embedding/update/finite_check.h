// Checks that gradients are finite.
#pragma once

#include <cstdint>
#include <span>

namespace polyscene::embedding {

// The index of the first element that is infinite or not a number; values.size() if there is none.
[[nodiscard]] size_t first_not_finite(std::span<const float> values);

}  // namespace polyscene::embedding
