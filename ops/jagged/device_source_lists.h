// The inverse of an index on a device, for kernels that sum over the readers of a row; the counterpart of
// source_lists.h.
#pragma once

#include "ops/simt/tensor_views.h"

namespace polyscene::ops {

// The positions of an index grouped by the row that they read, in their order: order[begin[v]] .. order[begin[v + 1] -
// 1] read row v, and row[k] is the row that position order[k] reads. begin [rows + 1]; positions with index -1 come
// before begin[0].
struct DeviceSourceLists {
  simt::Global<const int32_t> begin, order, row;
  int64_t rows, count;
};

// Inverts the int32 input number `input`, with entries in [-1, rows). The result is in scratch memory of the call.
[[nodiscard]] DeviceSourceLists invert_index(const KernelContext& context, size_t input, int64_t rows);

// order [count] = the positions of `index` [count], sorted stably by its entries; `sorted` [count] = the sorted
// entries. Uses a device-wide library sort (source_sort_cuda.cu), in the emulated build the CPU.
void sort_sources(const KernelContext& context, const int32_t* index, int64_t count, int64_t rows, int32_t* sorted,
                  int32_t* order);

}  // namespace polyscene::ops
