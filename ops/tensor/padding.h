#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace polyscene {

// `extent` rounded up to one of few: to a multiple of a sixteenth of its leading power of two, and of 64. Adds less
// than a sixteenth from 1024 on; below, a device is not busy anyway.
[[nodiscard]] inline int64_t padded_extent(int64_t extent) {
  const auto leading = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(extent, 1))));
  const int64_t step = std::max<int64_t>(64, leading / 16);
  return (extent + step - 1) / step * step;
}

}  // namespace polyscene
