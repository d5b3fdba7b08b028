// The arithmetic of reductions on a device: element-wise, over ranks in rank order, the numbers of dist/reduce.h.
#pragma once

#include <cstdint>

#include "dist/communicator.h"
#include "ops/device/stream.h"

namespace polyscene {

// What ranks contribute to one reduction, of which this rank's part lies elsewhere than those that came from others.
struct OrderedSources {
  const void* received = nullptr;  // of rank r at element r * stride; what is at this rank's place is not read
  const void* own = nullptr;       // [count]
  int64_t count = 0, stride = 0;   // in elements
  int ranks = 1, self = 0;
};

// Queues output = sources of rank 0 op those of rank 1 op ..., [count]; output may be `own`. Integers wrap around; a
// NaN anywhere makes the result of min and max NaN. Throws DeviceError in a program without kernels of devices.
void ordered_reduce(const Stream& stream, DType dtype, ReduceOp op, const OrderedSources& sources, void* output);

}  // namespace polyscene
