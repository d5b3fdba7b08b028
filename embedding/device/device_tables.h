// All embedding tables of a model in the memory of devices, spread over the ranks: what ShardedTables is on the CPU,
// with the same rows for the same keys. README.md tells what differs inside.
//
//   DeviceTables tables(device, {.host = host, .device = communicator}, specs, {.seed = 1});
//   DeviceLookup lookup(tables);     // then as with ShardedLookup; rows and gradients are memory of the device
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/device/device_progress.h"
#include "embedding/device/device_table.h"
#include "embedding/sharded_tables.h"
#include "embedding/table/saved_rows.h"

namespace polyscene {

// The same ranks twice: over memory of the host, for counts, and over memory of the device, on the queue that the
// tables use, for keys, rows and gradients. One rank needs the former only.
struct DeviceCommunicators {
  Communicator& host;
  Communicator& device;
};

class DeviceTables {
 public:
  // No communication. Device and communicators must outlive the tables; all work goes on the device's queue. Throws
  // InvalidArgument on bad specs or options, or when the communicators differ in ranks.
  DeviceTables(Device& device, const DeviceCommunicators& communicators, std::vector<TableSpec> specs,
               const ShardingOptions& options);

  [[nodiscard]] Device& device() const { return *device_; }
  [[nodiscard]] Communicator& communicator() const { return communicators_.host; }
  [[nodiscard]] Communicator& device_communicator() const { return communicators_.device; }
  [[nodiscard]] const TableLayout& layout() const { return layout_; }
  [[nodiscard]] int tables() const { return layout_.tables(); }
  [[nodiscard]] const TableSpec& spec(int index) const { return tables_[static_cast<size_t>(index)].spec(); }

  // Rows of this rank's part of a table, by its index among the specs. Waits for the device.
  [[nodiscard]] int64_t rows(int index);
  // Rows per table over all ranks [tables]. Waits for the device; collective.
  [[nodiscard]] std::vector<int64_t> global_rows();
  // Of all tables of this rank, on the device.
  [[nodiscard]] int64_t memory_bytes() const;

  // As of ShardedTables.
  [[nodiscard]] int64_t update_steps() const { return update_steps_; }
  void set_update_steps(int64_t steps) { update_steps_ = steps; }

  // Loads rows saved by any number of ranks, with the contract of ShardedTables::load_rows. Waits for the device.
  int64_t load_rows(int index, std::span<const int64_t> keys, std::span<const float> values,
                    std::span<const float> state);
  // This rank's rows ascending by key: keys [rows(index)], values [rows(index), dim], state [rows(index), state_width],
  // left out where it is empty. Waits for the device. Throws InvalidArgument on other lengths.
  void read_rows(int index, std::span<int64_t> keys, std::span<float> values, std::span<float> state);

  // For DeviceLookup. Tables in wire order: what kernels see of them, and room for as many more rows as are offered
  // [tables], made ahead of need so that the host rarely has to know how many rows there are.
  [[nodiscard]] const TableView* views() const { return views_.data(); }
  void make_room(std::span<const int64_t> offered);
  [[nodiscard]] DeviceProgress& progress() { return progress_; }

 private:
  void upload_views();
  void write_piece(int index, const SavedRows& piece);

  Device* device_;
  DeviceCommunicators communicators_;
  TableLayout layout_;
  std::vector<DeviceTable> tables_;
  DeviceBuffer<TableView> views_;
  bool views_current_ = false;  // no table has grown, or failed to, since they were uploaded
  DeviceProgress progress_;
  int64_t update_steps_ = 0;
};

}  // namespace polyscene
