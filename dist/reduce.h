// The arithmetic of reductions: element-wise, over ranks in rank order, for any transport. A collective never adds two
// partial sums, so its result is bitwise that of the serial loop
//   x[0][i] op x[1][i] op ... op x[ranks - 1][i].
#pragma once

#include <cstddef>
#include <span>

#include "dist/communicator.h"
#include "ops/tensor/dtype.h"

namespace polyscene::dist {

// Writes the reduction of sources[0], sources[1], ... ([count] each) to each of `outputs` ([count] each). An output may
// be the same memory as a source, but must not overlap it in part. Integers wrap around; a NaN anywhere makes the
// result of min and max NaN.
void reduce_in_order(DType dtype, ReduceOp op, std::span<const void* const> sources, std::span<void* const> outputs,
                     size_t count);

}  // namespace polyscene::dist
