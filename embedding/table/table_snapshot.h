// The rows of a table on a rank as they were at one moment; training may continue while the snapshot is read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <vector>

#include "embedding/table/row_store.h"
#include "embedding/table/saved_rows.h"

namespace polyscene::embedding {

// Serves one thread at a time, which may be another one than the table's.
class TableSnapshot {
 public:
  virtual ~TableSnapshot() = default;
  TableSnapshot(const TableSnapshot&) = delete;
  TableSnapshot& operator=(const TableSnapshot&) = delete;

  [[nodiscard]] int64_t rows() const { return rows_; }
  // Reads rows, by row index in [0, rows()). Members of `out` that are empty are skipped.
  virtual void read(std::span<const int32_t> rows, const RowsOut& out) = 0;
  // Frees its memory. read() must not be called afterwards.
  virtual void release() = 0;

 protected:
  explicit TableSnapshot(int64_t rows) : rows_(rows) {}

 private:
  int64_t rows_;
};

// A copy of all rows.
class CopiedRows final : public TableSnapshot {
 public:
  CopiedRows(const TableSpec& spec, SavedRows rows);
  void read(std::span<const int32_t> rows, const RowsOut& out) override;
  void release() override { copy_ = {}; }

 private:
  int64_t dim_, state_width_;
  SavedRows copy_;
};

// Copy on write: a row is copied only if the table is about to change it. Creating the snapshot costs one pointer per
// row, in memory that is not touched yet.
class RowSnapshot final : public TableSnapshot {
 public:
  // numbers: the row indices in the store, or empty for its first `count` rows.
  RowSnapshot(RowChunks chunks, std::vector<int32_t> numbers, int64_t count);

  // Must be called before rows of the store change; no two threads may pass the same row at once. Row indices outside
  // the snapshot, and negative ones, are skipped.
  void preserve(std::span<const int32_t> store_rows);
  [[nodiscard]] bool released() const { return released_; }

  // A thread that is about to change rows waits for at most a few hundred rows to be read.
  void read(std::span<const int32_t> rows, const RowsOut& out) override;
  void release() override;
  // The size of the rows copied so far.
  [[nodiscard]] int64_t copied_bytes() const { return copied_bytes_; }

 private:
  [[nodiscard]] int32_t number(int32_t row) const { return numbers_.empty() ? row : numbers_[row]; }
  // Whether a row of the store was copied. One bit per row keeps this test in the cache.
  [[nodiscard]] bool is_copied(int32_t row) const {
    return (std::atomic_ref(copied_[row / 64]).load(std::memory_order_relaxed) >> (row % 64) & 1) != 0;
  }
  void read_some(std::span<const int32_t> rows, const RowsOut& out) const;

  RowChunks chunks_;
  std::vector<int32_t> numbers_;
  int64_t end_;  // one past the largest row index in the store
  // Readers lock it exclusively, and writers of copies lock it shared: while rows are read, no row is copied and no
  // uncopied row changes.
  std::shared_mutex reading_;
  mutable std::vector<uint64_t> copied_;              // one bit per row of the store
  std::unique_ptr<char*[], void (*)(void*)> copies_;  // address of each copy: tag, values, state
  std::mutex blocks_mutex_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<bool> released_ = false;
  std::atomic<int64_t> copied_bytes_ = 0;
};

}  // namespace polyscene::embedding
