// Where each row is read, for kernels that sum over its readers: the device's counterpart of source_lists.h.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// Positions of an index grouped by the row they name, in their order: order[begin[v]] .. order[begin[v + 1] - 1] name
// row v, and row[k] is what order[k] names. begin [rows + 1]; positions that name -1 stand before begin[0].
struct DeviceSourceLists {
  simt::Global<const int32_t> begin, order, row;
  int64_t rows, count;
};

// In scratch memory of the call, from its int32 input `input` with entries in [-1, rows).
[[nodiscard]] DeviceSourceLists invert_index(const KernelContext& context, size_t input, int64_t rows);

// order [count] = the positions of `index` [count], sorted by what they name; equal ones in their order. `sorted`
// [count] = what they name. By a device-wide library sort (source_sort_cuda.cu), elsewhere by the CPU.
void sort_sources(const KernelContext& context, const int32_t* index, int64_t count, int64_t rows, int32_t* sorted,
                  int32_t* order);

}  // namespace polyscene::ops
