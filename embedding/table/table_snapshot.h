// The rows of a table on a rank as they were at one moment, while the table goes on.
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

namespace polyscene {

// For one thread at a time, which need not be the table's.
class TableSnapshot {
 public:
  virtual ~TableSnapshot() = default;
  TableSnapshot(const TableSnapshot&) = delete;
  TableSnapshot& operator=(const TableSnapshot&) = delete;

  [[nodiscard]] int64_t rows() const { return rows_; }
  // Of rows by number in [0, rows()) what `out` has room for: parts of no elements are left out.
  virtual void read(std::span<const int32_t> rows, const RowsOut& out) = 0;
  // Gives its memory back; nothing is read any more.
  virtual void release() = 0;

 protected:
  explicit TableSnapshot(int64_t rows) : rows_(rows) {}

 private:
  int64_t rows_;
};

// A copy of everything.
class CopiedRows final : public TableSnapshot {
 public:
  CopiedRows(const TableSpec& spec, SavedRows rows);
  void read(std::span<const int32_t> rows, const RowsOut& out) override;
  void release() override { copy_ = {}; }

 private:
  int64_t dim_, state_width_;
  SavedRows copy_;
};

// Copy on write: rows stay where they are until the table is about to change one. Making it costs a pointer per row of
// memory that is not touched yet.
class RowSnapshot final : public TableSnapshot {
 public:
  // numbers: of the rows in the store, or empty for its first `count`.
  RowSnapshot(RowChunks chunks, std::vector<int32_t> numbers, int64_t count);

  // Before rows of the store are changed; each by one thread at a time. Other numbers, and negative ones, are skipped.
  void preserve(std::span<const int32_t> store_rows);
  [[nodiscard]] bool released() const { return released_; }

  // A thread that is about to change rows waits for no more than some hundred rows that are read.
  void read(std::span<const int32_t> rows, const RowsOut& out) override;
  void release() override;
  // Of rows that were copied.
  [[nodiscard]] int64_t copied_bytes() const { return copied_bytes_; }

 private:
  [[nodiscard]] int32_t number(int32_t row) const {
    return numbers_.empty() ? row : numbers_[static_cast<size_t>(row)];
  }
  // Whether a row of the store was copied: a bit each, so that asking rarely leaves the cache.
  [[nodiscard]] bool is_aside(int32_t row) const {
    return (std::atomic_ref(copied_[static_cast<size_t>(row / 64)]).load(std::memory_order_relaxed) >> (row % 64) &
            1) != 0;
  }
  void read_some(std::span<const int32_t> rows, const RowsOut& out) const;

  RowChunks chunks_;
  std::vector<int32_t> numbers_;
  int64_t end_;  // of the numbers
  // Held alone to read, together to copy: no row is copied, and none changed that was not, while rows are read.
  std::shared_mutex reading_;
  mutable std::vector<uint64_t> copied_;             // a bit per row of the store
  std::unique_ptr<char*[], void (*)(void*)> aside_;  // and where its copy is: tag, values, state
  std::mutex blocks_mutex_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<bool> released_ = false;
  std::atomic<int64_t> copied_bytes_ = 0;
};

}  // namespace polyscene
