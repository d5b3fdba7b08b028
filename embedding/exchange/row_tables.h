// All embedding tables of a model, spread over the ranks of a communicator, wherever the rows are: what saving, loading
// and reporting need to know of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/plan/table_layout.h"
#include "embedding/table/saved_rows.h"
#include "embedding/table/table_snapshot.h"

namespace polyscene {

struct ShardingOptions {
  uint64_t seed = 1;
  int partitions = 1024;  // logical partitions that keys hash to; at least the number of ranks
};

class RowTables {
 public:
  virtual ~RowTables() = default;
  RowTables(const RowTables&) = delete;
  RowTables& operator=(const RowTables&) = delete;

  // Over memory of the host.
  [[nodiscard]] Communicator& communicator() const { return *communicator_; }
  [[nodiscard]] const TableLayout& layout() const { return layout_; }
  [[nodiscard]] int tables() const { return layout_.tables(); }
  // Of a table, by its index among the specs; so below.
  [[nodiscard]] virtual const TableSpec& spec(int index) const = 0;

  // Rows of this rank's part of a table.
  [[nodiscard]] virtual int64_t rows(int index) = 0;
  // Rows per table over all ranks [tables]. Collective.
  [[nodiscard]] std::vector<int64_t> global_rows();
  // Of all tables of this rank.
  [[nodiscard]] virtual int64_t memory_bytes() const = 0;

  // Updates done so far: the t of lazy Adam, the same on all ranks; saved and loaded with the rows.
  [[nodiscard]] int64_t update_steps() const { return update_steps_; }
  void set_update_steps(int64_t steps) { update_steps_ = steps; }

  struct Loaded {
    int64_t kept = 0;
    int64_t dropped = 0;  // this rank's, for which the buckets of a table with a bound had no place
  };
  // So many rows of this rank are to be loaded: makes room for them at once where growing bit by bit costs more.
  virtual void expect_rows(int /*index*/, int64_t /*rows*/) {}
  // Loads rows saved by any number of ranks: keeps those this rank owns. Creates or overwrites rows; where a key
  // repeats, the last row stays. Without state a new row has its initial one, without uses all are as if never used.
  // Of a table with a bound, all rows of a partition are given at once; those used last stay. Throws InvalidArgument on
  // lengths that do not fit, DeviceError past the most rows that a rank can hold.
  Loaded load_rows(int index, const RowsIn& rows);
  // This rank's rows of a table, [rows(index)], ascending by key. Throws InvalidArgument on other lengths.
  virtual void read_rows(int index, const RowsOut& out) = 0;
  // This rank's rows of a table as they are now, for another thread to read while the tables go on; the snapshot must
  // not outlive them. Nothing may be queued on a device, from where all rows are copied.
  [[nodiscard]] virtual std::shared_ptr<TableSnapshot> snapshot(int index) = 0;

 protected:
  RowTables(Communicator& communicator, std::span<const TableSpec> specs, const ShardingOptions& options)
      : communicator_(&communicator), layout_(specs, PartitionMap(options.partitions, communicator.size())) {}
  // Rows of this rank, of lengths that fit.
  virtual void write_rows(int index, const RowsIn& rows) = 0;

 private:
  Communicator* communicator_;
  TableLayout layout_;
  int64_t update_steps_ = 0;
};

}  // namespace polyscene
