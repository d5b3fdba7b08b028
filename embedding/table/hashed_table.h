// One rank's rows of one table, keyed by any int64. A table without a bound numbers its rows 0, 1, ... in order of
// creation, and they never move; in one with a bound they lie in buckets (bounded_index.h). Numbers say nothing about
// keys, and nothing a user sees depends on them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "embedding/plan/partition_map.h"
#include "embedding/plan/table_spec.h"
#include "embedding/table/bounded_index.h"
#include "embedding/table/key_index.h"
#include "embedding/table/row_store.h"
#include "embedding/table/saved_rows.h"
#include "embedding/table/table_snapshot.h"

namespace polyscene {

// Which part of a table this is.
struct TableShare {
  PartitionMap map = PartitionMap(1, 1);
  int rank = 0;
  int64_t most_rows = std::numeric_limits<int32_t>::max();  // that a rank can hold
};

// Throws DeviceError where the bound of a table asks for more rows of a rank than that.
void check_capacity(const TableSpec& spec, int64_t capacity, int64_t most_rows);

class HashedTable {
 public:
  static constexpr int32_t kNoRow = -1;

  // `seed`: of the experiment; initial values follow from (seed, name, key, element) alone. The memory of a table with
  // a bound is allocated at once. Throws DeviceError where its bound asks for more rows than a rank can hold.
  HashedTable(TableSpec spec, uint64_t seed, const TableShare& share = {});

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t state_width() const { return store_.state_width(); }
  // All memory held: keys, values, state, index and slack. At most 1.5 x rows() x spec().row_bytes() from 8192 rows
  // on, given rows of 28 bytes or more and no bound.
  [[nodiscard]] int64_t memory_bytes() const;

  // rows[i] = number of keys[i]'s row, or kNoRow. Thread-safe among finds.
  void find(std::span<const int64_t> keys, std::span<int32_t> rows) const;
  // Notes that step `step` uses these rows, each once, and will change them; kNoRow is skipped. Thread-safe for
  // disjoint rows.
  void touch(std::span<const int32_t> rows, int32_t step);
  // Gives rows, used once in `step`, to the keys that find() left at kNoRow, in order; a key that occurs twice gets one
  // row. Their numbers are appended to `fresh`, and their contents are undefined until init_rows. Returns how many rows
  // were lost for it. Throws DeviceError past the most rows; InvalidArgument where more keys of a step, touch()ed
  // ones included, want a bucket than it has rows: `keys` are all of the step.
  int64_t insert_missing(std::span<const int64_t> keys, std::span<int32_t> rows, int32_t step,
                         std::vector<int32_t>& fresh);
  // Writes initial values and optimiser state. Thread-safe for disjoint rows.
  void init_rows(std::span<const int32_t> rows);

  [[nodiscard]] int64_t key(int32_t row) const { return store_.tag(row).key; }
  [[nodiscard]] const RowUse& use(int32_t row) const { return store_.tag(row).use; }
  [[nodiscard]] float* values(int32_t row) { return store_.values(row); }
  [[nodiscard]] const float* values(int32_t row) const { return store_.values(row); }
  [[nodiscard]] float* state(int32_t row) { return store_.state(row); }
  [[nodiscard]] const float* state(int32_t row) const { return store_.state(row); }
  void prefetch(int32_t row) const { store_.prefetch_values(row); }

  // Saving: the row numbers ascending by key, and the contents of any rows.
  [[nodiscard]] std::vector<int32_t> rows_by_key() const;
  void read_rows(std::span<const int32_t> rows, const RowsOut& out) const;
  // All rows as they are now: what changes rows from now on preserves them for it, as long as somebody has it.
  [[nodiscard]] std::shared_ptr<TableSnapshot> snapshot();
  // So many rows in all are to come.
  void expect_rows(int64_t rows);
  // Loading: creates or overwrites rows; no more than fit into a bucket (keep_newest). Without state a new row has its
  // initial one, without uses all are as if never used. Throws InvalidArgument on lengths that do not fit, DeviceError
  // past the most rows.
  void write_rows(const RowsIn& rows);

 private:
  [[nodiscard]] uint64_t hash_of(int64_t key) const { return key_hash(key, salt_); }
  [[nodiscard]] int32_t find_one(int64_t key) const;
  // A row of a table without a bound.
  [[nodiscard]] int32_t append(int64_t key);
  [[nodiscard]] InvalidArgument overfull(std::span<const int64_t> keys) const;
  void rebuild_index(int64_t capacity);
  // The numbers of all rows, in the order of memory.
  [[nodiscard]] std::vector<int32_t> held_rows() const;
  void preserve(std::span<const int32_t> rows) const;

  TableSpec spec_;
  uint64_t salt_, init_key_;
  int64_t most_rows_, rows_ = 0;
  RowStore store_;
  KeyIndex index_;                                     // of a table without a bound
  BoundedIndex bounded_;                               // of one with
  std::vector<std::weak_ptr<RowSnapshot>> snapshots_;  // that somebody reads
};

}  // namespace polyscene
