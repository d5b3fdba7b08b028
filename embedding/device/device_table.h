// The memory of one rank's rows of one table on a device: chunks of rows, which never move, and the index over them.
// Kernels change the contents (table_kernels.h), and only the device knows the number of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "embedding/device/table_view.h"
#include "embedding/table/hashed_table.h"
#include "ops/device/device_buffer.h"

namespace polyscene::embedding {

class DeviceTable {
 public:
  // seed: the seed of the experiment, like for HashedTable. A bounded table allocates its memory at once. Throws
  // DeviceError if its bound asks for more rows than a rank can hold.
  DeviceTable(Device& device, TableSpec spec, uint64_t seed, const TableShare& share = {});

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] int64_t state_width() const { return spec_.optimizer.state_width(spec_.dim); }
  [[nodiscard]] bool bounded() const { return plan_.slots > 0; }
  [[nodiscard]] int64_t most_rows() const { return most_rows_; }
  // The number of rows that fit.
  [[nodiscard]] int64_t capacity() const;
  // For an unbounded table: makes room for `rows` rows. present: the most rows that it may hold now; row_count: the
  // exact number, in device memory. Queued. Growing copies nothing; the index is freed before it is rebuilt from the
  // keys. Throws DeviceError past most_rows() or if the device has no memory left.
  void reserve(int64_t rows, int64_t present, const int32_t* row_count);
  // Valid until the next reserve().
  [[nodiscard]] TableView view() const;
  // All memory held: keys, values, state, index and slack.
  [[nodiscard]] int64_t memory_bytes() const;

  // The contents of all `rows` rows, in the order of their row indices. Waits for the device.
  [[nodiscard]] SavedRows read(int64_t rows) const;

 private:
  [[nodiscard]] int64_t chunk_bytes() const { return (16 + 4 * (spec_.dim + state_width())) * kChunkRows; }
  void add_chunks(int64_t count);
  void allocate_index(int64_t bytes);
  void rebuild_index(int64_t capacity, int64_t present, const int32_t* row_count);

  Device* device_;
  TableSpec spec_;
  std::string consumer_;
  uint64_t salt_, initial_key_;
  int64_t most_rows_;
  BucketPlan plan_;
  int64_t first_bucket_;
  std::vector<std::shared_ptr<void>> blocks_;
  std::vector<char*> chunks_;
  DeviceBuffer<char*> chunk_list_;  // chunks_ on the device
  std::shared_ptr<void> index_;
  int64_t buckets_ = 0, index_bytes_ = 0, index_capacity_ = 0;
};

}  // namespace polyscene::embedding
