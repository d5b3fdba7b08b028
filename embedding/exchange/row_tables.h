// All embedding tables of a model, spread over the ranks of a communicator, on hosts or on devices: the interface for
// saving, loading and reporting.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/plan/table_layout.h"
#include "embedding/table/saved_rows.h"
#include "embedding/table/table_snapshot.h"

namespace polyscene::embedding {

struct ShardingOptions {
  uint64_t seed = 1;
  int partitions = 1024;  // logical partitions that keys are hashed to; at least the number of ranks
};

class RowTables {
 public:
  virtual ~RowTables() = default;
  RowTables(const RowTables&) = delete;
  RowTables& operator=(const RowTables&) = delete;

  // The communicator over host memory.
  [[nodiscard]] dist::Communicator& communicator() const { return *communicator_; }
  [[nodiscard]] const TableLayout& layout() const { return layout_; }
  [[nodiscard]] int tables() const { return layout_.tables(); }
  // Tables are named by their index in the list of specs, here and below.
  [[nodiscard]] virtual const TableSpec& spec(int index) const = 0;

  // The number of this rank's rows of a table.
  [[nodiscard]] virtual int64_t rows(int index) = 0;
  // Rows per table over all ranks [tables]. Collective.
  [[nodiscard]] std::vector<int64_t> global_rows();
  // The memory of all tables of this rank.
  [[nodiscard]] virtual int64_t memory_bytes() const = 0;

  // The number of updates so far: t of lazy Adam. The same on all ranks; saved and loaded with the rows.
  [[nodiscard]] int64_t update_steps() const { return update_steps_; }
  void set_update_steps(int64_t steps) { update_steps_ = steps; }

  struct Loaded {
    int64_t kept = 0;
    int64_t dropped = 0;  // rows of this rank that found no place in the bucket of a bounded table
  };
  // Announces that `rows` rows of this rank will be loaded, so that memory is allocated at once where growing would
  // cost more.
  virtual void expect_rows(int /*index*/, int64_t /*rows*/) {}
  // Loads rows that any number of ranks saved, and keeps those that this rank owns. Creates or overwrites rows; if a
  // key repeats, its last row wins. Without state, new rows get the initial state; without access statistics, rows
  // count as never used. For a bounded table, one call must hold all rows of a partition; the most recently used ones
  // stay. Throws InvalidArgument on wrong lengths, DeviceError if a rank cannot hold so many rows.
  Loaded load_rows(int index, const RowsIn& rows);
  // Reads this rank's rows of a table, [rows(index)], ascending by key. Throws InvalidArgument on wrong lengths.
  virtual void read_rows(int index, const RowsOut& out) = 0;
  // A snapshot of this rank's rows of a table, which another thread may read while training continues. It must not
  // outlive the tables. A device copies all rows at once, so no work may be queued there.
  [[nodiscard]] virtual std::shared_ptr<TableSnapshot> snapshot(int index) = 0;

 protected:
  RowTables(dist::Communicator& communicator, std::span<const TableSpec> specs, const ShardingOptions& options)
      : communicator_(&communicator), layout_(specs, PartitionMap(options.partitions, communicator.size())) {}
  // Writes rows of this rank. Their lengths have been checked.
  virtual void write_rows(int index, const RowsIn& rows) = 0;

 private:
  dist::Communicator* communicator_;
  TableLayout layout_;
  int64_t update_steps_ = 0;
};

}  // namespace polyscene::embedding
