// The kernels of tables. Each is queued on a stream of the device that all pointers belong to. Programs without device
// kernels link table_kernels_absent.cc instead, which throws.
#pragma once

#include <cstdint>

#include "embedding/device/table_view.h"
#include "embedding/update/sparse_optimizer.h"
#include "ops/kernel/kernel.h"

namespace polyscene::embedding {

// Inserts rows [0, row_count) of a table into its index, which must be cleared. row_count is in device memory and at
// most `rows`.
void index_rows(const Stream& stream, const TableView& table, const int32_t* row_count, int64_t rows);

// How a lookup marks the rows that it uses, in training or loading.
struct TouchedKeys {
  int32_t step = 0;  // step recorded in the access statistics; 0: none is recorded
  // If keys repeat, the result of link_keys: only leaders are marked and get rows. nullptr: keys do not repeat.
  const int32_t* leaders = nullptr;
  int32_t* next = nullptr;  // [count], scratch memory; nullptr if no table is bounded
};

// rows [count]: each key's row index or kNoRow. Keys may repeat. Records the access, and links keys without a row in a
// bounded table into the list of their bucket, for place_rows.
void find_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched);

// leaders [count]: the position of the first occurrence of each (table, key), its leader. links [2 * count, 2],
// cleared, and slots [count]: scratch memory. Adds the number of distinct (table, key) to *owned.
void link_keys(const Stream& stream, const DeviceKeys& keys, int32_t* links, uint32_t* slots, int32_t* leaders,
               int32_t* owned);

// Writes each key's values to its row of the spans' matrices; a key without a row reads as zeros.
void gather_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows);

// The counts of lookups, in device memory. Tables are in wire order.
struct TableCounts {
  int32_t* rows;      // [tables]
  int32_t* evicted;   // [1], over all tables: evicted rows
  int32_t* overfull;  // [tables]: most keys of one lookup that want the same bucket, if too many; else 0
  int32_t* stop;      // [1], the last element of UpdateFlags::flags
};
// The reasons to stop updates: a gradient that is not finite, an overfull bucket.
inline constexpr int32_t kStopNotFinite = 1, kStopOverfull = 2;

// A part of insert_and_gather for bounded tables: each key linked to a bucket gets a place there, with tag and hash
// byte, and its element of `rows` becomes -2 - row index. Keys that find no place keep kNoRow.
void place_rows(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                const TableCounts& counts);

// Runs after find_rows with the same `touched`. Like gather_table_rows, but creates a row for a key without one, with
// initial values and state; the leader's element of `rows` receives the new row index.
void insert_and_gather(const Stream& stream, const DeviceKeys& keys, int32_t* rows, const TouchedKeys& touched,
                       const TableCounts& counts);

// The faults of an update, in device memory. flags [tables + 1]: for each table the count of keys minus the position of
// the first bad gradient, 0 for none; the last element tells whether and why updates stop. report [4], for the host: 1
// + table, key, element, bits of the float; all 0 without a fault. Tables are in wire order; a report that is set is
// not overwritten.
struct UpdateFlags {
  int32_t* flags;
  int64_t* report;
  int64_t tables;
};

// Checks that the gradients in the spans' matrices are finite. With `leaders` (else nullptr), each leader's gradient is
// first replaced by the sum over its equal keys, in their order.
void check_gradients(const KernelContext& context, const DeviceKeys& keys, const int32_t* leaders,
                     const UpdateFlags& flags);

// Runs each table's optimiser on the rows of the leaders, with the gradients in the spans' matrices. steps: [tables, in
// wire order], in device memory. If a flag is set, it only reports the fault. If `stopped` is not nullptr and *stopped
// is not 0, it does nothing.
void update_table_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const int32_t* leaders,
                       const OptimizerStep* steps, const UpdateFlags& flags, const int32_t* stopped);

// Overwrites the rows of one span, whose keys do not repeat, with values [count, dim], access statistics `accesses`
// [count] (nullptr: none) and state [count, state_width] (nullptr: unchanged).
void overwrite_rows(const Stream& stream, const DeviceKeys& keys, const int32_t* rows, const float* values,
                    const float* state, const AccessStatistics* accesses);

}  // namespace polyscene::embedding
