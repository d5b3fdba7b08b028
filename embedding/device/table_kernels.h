// The kernels of tables, each put on a stream of the device that all pointers belong to. Programs without kernels of
// devices have table_kernels_absent.cc in their place, which throws.
#pragma once

#include <cstdint>

#include "embedding/device/table_view.h"
#include "embedding/update/sparse_optimizer.h"
#include "ops/kernel/kernel.h"

namespace polyscene {

// Puts rows [0, row_count) of a table, row_count being on the device and at most `rows`, into its index, which is
// cleared.
void index_rows(const Stream& stream, const TableView& table, const int32_t* row_count, int64_t rows);

// A lookup that uses its rows, in training or to load them.
struct TouchedKeys {
  int32_t step = 0;  // by which uses are marked; 0: nothing is
  // Where keys repeat, as link_keys says: only leaders are marked, and get rows. nullptr: they do not repeat.
  const int32_t* leaders = nullptr;
  int32_t* next = nullptr;  // [count], scratch memory; nullptr where no table has a bound
};

// rows [count]: each key's row number or kNoRow. Keys may repeat. Marks uses, and strings keys that want a row in a
// table with a bound on their buckets, for place_rows.
void find_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched);

// leaders [count]: where each (table, key) comes first among the keys. links [2 * count, 2], cleared, and
// slots [count]: scratch memory. *owned += the number of different ones.
void link_keys(const Stream& stream, const DeviceKeys& keys, int32_t* links, uint32_t* slots, int32_t* leaders,
               int32_t* owned);

// Writes each key's values to its row of the spans' matrices; a key without a row reads as zeros.
void gather_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows);

// What lookups count, on the device. Tables are in wire order.
struct TableCounts {
  int32_t* rows;  // [tables]
  int32_t* lost;  // [1], of all tables: rows that new ones took the place of
  int32_t*
      overfull;   // [tables]: the most keys of one lookup that want the same bucket, where they are too many, else 0
  int32_t* stop;  // [1], the last of UpdateFlags::flags
};
// Why updates stop: a gradient that is not finite, a bucket that is too small.
inline constexpr int32_t kStopNotFinite = 1, kStopOverfull = 2;

// Part of insert_and_gather, where a table has a bound: keys that were strung on a bucket get a place there, with tag
// and byte of hash, and `rows` has -2 - its number. Of those for which there is none it keeps kNoRow.
void place_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                const TableCounts& counts);

// After find_rows with the same `touched`: as gather_table_rows, but a key without a row gets one, and a new row its
// initial value and state; `rows` has the new number, of leaders alone.
void insert_and_gather(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                       const TableCounts& counts);

// What goes wrong in an update, on the device. `flags` [tables + 1]: per table the count of keys minus the position of
// the first bad gradient, 0 for none; the last one says whether updates stop, and why. `report` [4]: what the host is
// told, 1 + table, key, element, bits of the float; all 0 while all is well. Both in wire order, and left alone once
// set.
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

// Overwrites rows with values [count, dim], uses [count] (nullptr: none) and, unless nullptr, state [count,
// state_width]: of one span, whose keys do not repeat.
void overwrite_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const float* values,
                    const float* state, const RowUse* uses);

}  // namespace polyscene
