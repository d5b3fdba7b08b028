// All embedding tables of a model in device memory, spread over the ranks: the counterpart of ShardedTables on the CPU,
// with the same rows for the same keys. README.md describes the differences inside.
//
//   DeviceTables tables(device, {.host = host, .device = communicator}, specs, {.seed = 1});
//   DeviceLookup lookup(tables);     // used like ShardedLookup; rows and gradients are in device memory
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/device/device_progress.h"
#include "embedding/device/device_table.h"
#include "embedding/exchange/row_tables.h"

namespace polyscene::embedding {

// Two communicators over the same ranks: `host` over host memory, for counts and keys; `device` over device memory, on
// the queue that the tables use, for rows and gradients. A single rank uses `host` only.
struct DeviceCommunicators {
  dist::Communicator& host;
  dist::Communicator& device;
};

class DeviceTables final : public RowTables {
 public:
  // No communication. Device and communicators must outlive the tables; all work is put on the device's queue. Throws
  // InvalidArgument on bad specs or options, or when the communicators differ in ranks.
  DeviceTables(Device& device, const DeviceCommunicators& communicators, std::vector<TableSpec> specs,
               const ShardingOptions& options);

  [[nodiscard]] Device& device() const { return *device_; }
  [[nodiscard]] dist::Communicator& device_communicator() const { return *device_communicator_; }
  [[nodiscard]] const TableSpec& spec(int index) const override { return tables_[index].spec(); }

  // These wait for the device, except memory_bytes(), which counts device memory.
  [[nodiscard]] int64_t rows(int index) override;
  [[nodiscard]] int64_t memory_bytes() const override;
  void read_rows(int index, const RowsOut& out) override;
  [[nodiscard]] std::shared_ptr<TableSnapshot> snapshot(int index) override;

  // For DeviceLookup, with tables in wire order: the views that kernels read, and room for `offered` more rows
  // [tables]. Room is made ahead of need, so that the host rarely has to know the exact number of rows.
  [[nodiscard]] const TableView* views() const { return views_.data(); }
  void make_room(std::span<const int64_t> offered);
  [[nodiscard]] DeviceProgress& progress() { return progress_; }

 private:
  void write_rows(int index, const RowsIn& rows) override;
  void upload_views();
  void write_piece(int index, const SavedRows& piece);

  Device* device_;
  dist::Communicator* device_communicator_;
  std::vector<DeviceTable> tables_;
  DeviceBuffer<TableView> views_;
  bool views_current_ = false;  // false once a table has grown, or failed to, since the last upload
  DeviceProgress progress_;
};

}  // namespace polyscene::embedding
