// The arithmetic of reductions on a device: element-wise, over ranks in rank order, with the results of dist/reduce.h.
#pragma once

#include <cstdint>

#include "dist/communicator.h"
#include "ops/device/stream.h"

namespace polyscene::dist {

// The inputs of one reduction. This rank's input may be stored apart from those received from others.
struct OrderedSources {
  const void* received = nullptr;  // rank r's input starts at element r * stride; this rank's place is not read
  const void* own = nullptr;       // [count]
  int64_t count = 0, stride = 0;   // in elements
  int ranks = 1, self = 0;
};

// Queues output = input of rank 0 op input of rank 1 op ..., [count]; output may be `own`. Integers wrap around; a NaN
// anywhere makes the result of min and max NaN. Throws DeviceError in a program without device kernels.
void ordered_reduce(const Stream& stream, DType dtype, ReduceOp op, const OrderedSources& sources, void* output);

}  // namespace polyscene::dist
