#pragma once

#include <cstdint>

namespace polyscene {

// a / b of two counts: each is rounded to a double, exactly below 2^53, and the quotient once more. b is not 0.
[[nodiscard]] constexpr double ratio(int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

}  // namespace polyscene
