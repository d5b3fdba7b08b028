// One rank's rows of one table, keyed by any int64. Rows are numbered 0, 1, ... in order of creation and never move;
// numbers say nothing about keys, and nothing a user sees depends on them.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "embedding/plan/table_spec.h"
#include "embedding/table/key_index.h"
#include "embedding/table/row_store.h"

namespace polyscene {

class HashedTable {
 public:
  static constexpr int32_t kNoRow = -1;
  static constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max();

  // `seed`: of the experiment; initial values follow from (seed, name, key, element) alone.
  HashedTable(TableSpec spec, uint64_t seed, int64_t max_rows = kMaxRows);

  [[nodiscard]] const TableSpec& spec() const { return spec_; }
  [[nodiscard]] int64_t rows() const { return store_.rows(); }
  [[nodiscard]] int64_t state_width() const { return store_.state_width(); }
  // All memory held: keys, values, state, index and slack. At most 1.5 x rows() x spec().row_bytes() from 8192 rows
  // on, given rows of 20 bytes or more.
  [[nodiscard]] int64_t memory_bytes() const;

  // rows[i] = number of keys[i]'s row, or kNoRow. Thread-safe among finds.
  void find(std::span<const int64_t> keys, std::span<int32_t> rows) const;
  // Numbers the keys that find() left at kNoRow, in order; a key that occurs twice gets one row. Their contents are
  // undefined until init_rows. Throws DeviceError past max_rows. Returns how many rows were added, the last ones.
  int64_t insert_missing(std::span<const int64_t> keys, std::span<int32_t> rows);
  // Writes initial values and optimiser state of rows [begin, end). Thread-safe for disjoint ranges.
  void init_rows(int64_t begin, int64_t end);

  [[nodiscard]] int64_t key(int32_t row) const { return store_.key(row); }
  [[nodiscard]] float* values(int32_t row) { return store_.values(row); }
  [[nodiscard]] const float* values(int32_t row) const { return store_.values(row); }
  [[nodiscard]] float* state(int32_t row) { return store_.state(row); }
  [[nodiscard]] const float* state(int32_t row) const { return store_.state(row); }
  void prefetch(int32_t row, bool with_state) const { store_.prefetch(row, with_state); }

  // Saving: the row numbers ascending by key, and the contents of any rows: keys [n], values [n, dim],
  // state [n, state_width], left out where it is empty.
  [[nodiscard]] std::vector<int32_t> rows_by_key() const;
  void read_rows(std::span<const int32_t> rows, std::span<int64_t> keys, std::span<float> values,
                 std::span<float> state) const;
  // Loading: creates or overwrites rows; an empty `state` leaves that of a new row at its initial value. Throws
  // InvalidArgument on lengths that do not fit, DeviceError past max_rows.
  void write_rows(std::span<const int64_t> keys, std::span<const float> values, std::span<const float> state);

 private:
  [[nodiscard]] uint64_t index_hash(int64_t key) const;
  [[nodiscard]] int32_t find_one(int64_t key, uint64_t hash) const;
  void rebuild_index(int64_t capacity);

  TableSpec spec_;
  uint64_t salt_, init_key_;
  int64_t max_rows_;
  RowStore store_;
  KeyIndex index_;
};

}  // namespace polyscene
