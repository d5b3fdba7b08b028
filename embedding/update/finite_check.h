// Whether gradients are numbers.
#pragma once

#include <cstdint>
#include <span>

namespace polyscene {

// Index of the first element that is infinite or not a number, or values.size().
[[nodiscard]] size_t first_not_finite(std::span<const float> values);

}  // namespace polyscene
