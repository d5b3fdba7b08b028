#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace polyscene {

// `extent` rounded up to one of few values: to a multiple of 64 and of a sixteenth of its leading power of two. From
// 1024 on this adds less than a sixteenth; smaller extents do not fill a device anyway.
[[nodiscard]] inline int64_t padded_extent(int64_t extent) {
  const int64_t leading = std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(extent, 1)));
  const int64_t step = std::max<int64_t>(64, leading / 16);
  return (extent + step - 1) / step * step;
}

}  // namespace polyscene
