// One rank's rows of one table, keyed by any int64. An unbounded table numbers its rows 0, 1, ... in order of creation,
// and they never move; a bounded table keeps them in buckets (bounded_index.h). Row indices carry no meaning, and no
// result depends on them.
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

namespace polyscene::embedding {

// The part of a table that a rank holds.
struct TableShare {
  PartitionMap map = PartitionMap(1, 1);
  int rank = 0;
  int64_t most_rows = std::numeric_limits<int32_t>::max();  // the most rows that a rank can hold
};

// Throws DeviceError if the bound of a table asks for more rows per rank than `most_rows`.
void check_capacity(const TableSpec& spec, int64_t capacity, int64_t most_rows);

class HashedTable {
 public:
  static constexpr int32_t kNoRow = -1;

  // seed: the seed of the experiment; initial values follow from (seed, name, key, element) alone. A bounded table
  // allocates its memory at once. Throws DeviceError if its bound asks for more rows than a rank can hold.
  HashedTable(TableSpec spec, uint64_t seed, const TableShare& share = {});

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t state_width() const { return store_.state_width(); }
  // All memory held: keys, values, state, index and slack. For an unbounded table with rows of 28 bytes or more it is
  // at most 1.5 x rows() x spec().row_bytes(), from 8192 rows on.
  [[nodiscard]] int64_t memory_bytes() const;

  // rows[i] = row index of keys[i], or kNoRow. Several threads may call find() at once.
  void find(std::span<const int64_t> keys, std::span<int32_t> rows) const;
  // Records in the access statistics that step `step` uses these rows, each once, and will change them; kNoRow is
  // skipped. Several threads may call it at once for disjoint rows.
  void touch(std::span<const int32_t> rows, int32_t step);
  // Creates rows, used once in `step`, for the keys that find() left at kNoRow, in order; a key that occurs twice gets
  // one row. Appends their row indices to `fresh`; their contents are undefined until init_rows(). Returns the number
  // of rows evicted for them. `keys` are all keys of the step. Throws DeviceError if the rank cannot hold so many rows,
  // InvalidArgument if more keys of the step, including those passed to touch(), want a bucket than it has rows.
  int64_t insert_missing(std::span<const int64_t> keys, std::span<int32_t> rows, int32_t step,
                         std::vector<int32_t>& fresh);
  // Writes initial values and optimiser state. Several threads may call it at once for disjoint rows.
  void init_rows(std::span<const int32_t> rows);

  [[nodiscard]] int64_t key(int32_t row) const { return store_.tag(row).key; }
  [[nodiscard]] const AccessStatistics& access(int32_t row) const { return store_.tag(row).access; }
  [[nodiscard]] float* values(int32_t row) { return store_.values(row); }
  [[nodiscard]] const float* values(int32_t row) const { return store_.values(row); }
  [[nodiscard]] float* state(int32_t row) { return store_.state(row); }
  [[nodiscard]] const float* state(int32_t row) const { return store_.state(row); }
  void prefetch(int32_t row) const { store_.prefetch_values(row); }

  // For saving: the row indices ascending by key, and the contents of any rows.
  [[nodiscard]] std::vector<int32_t> rows_by_key() const;
  void read_rows(std::span<const int32_t> rows, const RowsOut& out) const;
  // A snapshot of all rows as they are now. As long as somebody holds it, rows are copied for it before they change.
  [[nodiscard]] std::shared_ptr<TableSnapshot> snapshot();
  // Announces that the table will hold `rows` rows in all.
  void expect_rows(int64_t rows);
  // For loading: creates or overwrites rows; the caller passes no more per bucket than fit (keep_newest). Without
  // state, new rows get the initial state; without access statistics, rows count as never used. Throws InvalidArgument
  // on wrong lengths, DeviceError if the rank cannot hold so many rows.
  void write_rows(const RowsIn& rows);

 private:
  [[nodiscard]] uint64_t hash_of(int64_t key) const { return key_hash(key, salt_); }
  [[nodiscard]] int32_t find_one(int64_t key) const;
  // Adds a row to an unbounded table.
  [[nodiscard]] int32_t append(int64_t key);
  [[nodiscard]] InvalidArgument overfull(std::span<const int64_t> keys) const;
  void rebuild_index(int64_t capacity);
  // The row indices of all rows, in memory order.
  [[nodiscard]] std::vector<int32_t> held_rows() const;
  void preserve(std::span<const int32_t> rows) const;

  TableSpec spec_;
  uint64_t salt_, init_key_;
  int64_t most_rows_, rows_ = 0;
  RowStore store_;
  KeyIndex index_;                                     // of an unbounded table
  BoundedIndex bounded_;                               // of a bounded table
  std::vector<std::weak_ptr<RowSnapshot>> snapshots_;  // those that somebody holds
};

}  // namespace polyscene::embedding
