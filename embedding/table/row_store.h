// Rows in chunks of a fixed number: keys, then values, then optimiser state. Chunks are cut from blocks of memory that
// grow with the table, an eighth of it at a time: large enough for huge pages, and growing copies nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "embedding/table/large_memory.h"

namespace polyscene {

class RowStore {
 public:
  static constexpr int kChunkBits = 10;
  static constexpr int64_t kChunkRows = int64_t{1} << kChunkBits;

  RowStore(int64_t dim, int64_t state_width) : dim_(dim), state_width_(state_width) {}

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t dim() const { return dim_; }
  [[nodiscard]] int64_t state_width() const { return state_width_; }
  [[nodiscard]] int64_t memory_bytes() const;

  // Adds a row whose values and state are undefined; returns its number.
  int32_t append(int64_t key);

  [[nodiscard]] int64_t key(int32_t row) const { return reinterpret_cast<const int64_t*>(chunk(row))[row & kMask]; }
  [[nodiscard]] float* values(int32_t row) const {
    return reinterpret_cast<float*>(chunk(row) + 8 * kChunkRows) + (row & kMask) * dim_;
  }
  [[nodiscard]] float* state(int32_t row) const {
    return reinterpret_cast<float*>(chunk(row) + (8 + 4 * dim_) * kChunkRows) + (row & kMask) * state_width_;
  }
  // The cache lines of a row's key, or of its values and, when asked, state.
  void prefetch_key(int32_t row) const { __builtin_prefetch(chunk(row) + 8 * (row & kMask)); }
  void prefetch(int32_t row, bool with_state) const;

 private:
  static constexpr int32_t kMask = static_cast<int32_t>(kChunkRows - 1);

  [[nodiscard]] char* chunk(int32_t row) const { return chunks_[static_cast<size_t>(row >> kChunkBits)]; }
  [[nodiscard]] int64_t chunk_bytes() const { return (8 + 4 * (dim_ + state_width_)) * kChunkRows; }
  void add_block();

  int64_t dim_, state_width_, rows_ = 0;
  std::vector<char*> chunks_;
  std::vector<LargeMemory> blocks_;
};

}  // namespace polyscene
