// The memory of one rank's rows of one table on a device: chunks of rows, which never move, and the index over them.
// What happens in it, kernels do (table_kernels.h); how many rows there are, the device knows.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "embedding/device/table_view.h"
#include "embedding/plan/table_spec.h"
#include "ops/device/device_buffer.h"

namespace polyscene {

class DeviceTable {
 public:
  static constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max();

  // The device must outlive the table. `seed`: of the experiment, as for HashedTable.
  DeviceTable(Device& device, TableSpec spec, uint64_t seed, int64_t max_rows = kMaxRows);

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] int64_t state_width() const { return spec_.optimizer.state_width(spec_.dim); }
  // Rows that fit.
  [[nodiscard]] int64_t capacity() const;
  // Makes room for `rows` rows, where `present` are at most now; row_count: on the device, how many there are. Queued.
  // Nothing is copied to grow; the index is freed before it is built anew from the keys. Throws DeviceError past
  // max_rows and when the device has no memory left.
  void reserve(int64_t rows, int64_t present, const int32_t* row_count);
  // Valid until the next reserve().
  [[nodiscard]] TableView view() const;
  // All memory held: keys, values, state, index and slack.
  [[nodiscard]] int64_t memory_bytes() const;

  // The contents of rows [0, rows), by row number: keys [rows], values [rows, dim], state [rows, state_width], left out
  // where it is nullptr. Waits for the device.
  void read(int64_t rows, int64_t* keys, float* values, float* state) const;

 private:
  [[nodiscard]] int64_t chunk_bytes() const { return (8 + 4 * (spec_.dim + state_width())) * kChunkRows; }
  void add_chunks(int64_t count);
  void rebuild_index(int64_t capacity, int64_t present, const int32_t* row_count);

  Device* device_;
  TableSpec spec_;
  std::string consumer_;
  uint64_t salt_, initial_key_;
  int64_t max_rows_;
  std::vector<std::shared_ptr<void>> blocks_;
  std::vector<char*> chunks_;
  DeviceBuffer<char*> chunk_list_;  // chunks_ on the device
  std::shared_ptr<void> index_;
  int64_t buckets_ = 0, index_capacity_ = 0;
};

}  // namespace polyscene
