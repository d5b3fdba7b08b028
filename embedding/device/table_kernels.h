// The kernels of tables, each put on a stream of the device that all pointers belong to. Programs without kernels of
// devices have table_kernels_absent.cc in their place, which throws.
#pragma once

#include <cstdint>

#include "embedding/device/table_view.h"
#include "embedding/update/sparse_optimizer.h"
#include "ops/graph/op.h"

namespace polyscene {

// Puts rows [0, row_count) of a table, row_count being on the device and at most `rows`, into its index, which is
// cleared.
void index_rows(const Stream& stream, const TableView& table, const int32_t* row_count, int64_t rows);

// rows [count]: each key's row number or kNoRow. Keys may repeat.
void find_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows);

// leaders [count]: where each (table, key) comes first among the keys. links [2 * count, 2], cleared, and
// slots [count]: scratch memory. *owned += the number of different ones.
void link_keys(const Stream& stream, const DeviceKeys& keys, int32_t* links, uint32_t* slots, int32_t* leaders,
               int32_t* owned);

// Writes each key's values to its row of the spans' matrices; a key without a row reads as zeros.
void gather_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows);

// The same, but a key without a row gets one, with its initial value: row_counts [tables, in wire order] go up,
// and `rows` has the new number. Where keys repeat, `leaders` says so and only a leader's row number is written;
// nullptr: they do not.
void insert_and_gather(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const int32_t* leaders,
                       int32_t* row_counts);

// What goes wrong in an update, on the device. `flags` [tables + 1]: per table the count of keys minus the position of
// the first bad gradient, 0 for none; the last one says whether any is not 0. `report` [4]: what the host is told, 1 +
// table, key, element, bits of the float; all 0 while all is well. Both in wire order, and left alone once set.
struct UpdateFlags {
  int32_t* flags;
  int64_t* report;
  int64_t tables;
};

// Looks for gradients, in the spans' matrices, that are not finite. With `leaders` (else nullptr), each leader's
// gradient first becomes the sum over its equals, in their order.
void check_gradients(const KernelContext& context, const DeviceKeys& keys, const int32_t* leaders,
                     const UpdateFlags& flags);

// Runs each table's optimiser, steps [tables, in wire order] being on the device, on the rows of the leaders, with the
// gradients in the spans' matrices. With a flag set, does nothing but report it; where *stopped (unless nullptr) is not
// 0, nothing at all.
void update_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const int32_t* leaders,
                       const OptimizerStep* steps, const UpdateFlags& flags, const int32_t* stopped);

// Overwrites rows with values [count, dim] and, unless nullptr, state [count, state_width]: of one span, whose keys do
// not repeat.
void overwrite_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const float* values,
                    const float* state);

}  // namespace polyscene
