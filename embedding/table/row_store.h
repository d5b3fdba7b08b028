// Rows in chunks of fixed size: tags, then values, then optimiser state. Chunks are cut from memory blocks that grow
// with the table, an eighth of it at a time: they are large enough for huge pages, and growing copies nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "embedding/table/large_memory.h"
#include "embedding/table/row_tag.h"

namespace polyscene::embedding {

// The addresses of rows. A copy stays valid for the rows that it was made with while the store grows.
class RowChunks {
 public:
  static constexpr int kChunkBits = 10;
  static constexpr int64_t kChunkRows = int64_t{1} << kChunkBits;

  RowChunks(int64_t dim, int64_t state_width) : dim_(dim), state_width_(state_width) {}

  [[nodiscard]] int64_t dim() const { return dim_; }
  [[nodiscard]] int64_t state_width() const { return state_width_; }
  [[nodiscard]] RowTag& tag(int32_t row) const { return reinterpret_cast<RowTag*>(chunk(row))[row & kMask]; }
  [[nodiscard]] float* values(int32_t row) const {
    return reinterpret_cast<float*>(chunk(row) + 16 * kChunkRows) + (row & kMask) * dim_;
  }
  [[nodiscard]] float* state(int32_t row) const {
    return reinterpret_cast<float*>(chunk(row) + (16 + 4 * dim_) * kChunkRows) + (row & kMask) * state_width_;
  }
  // Prefetches the cache lines of a row's tag, values or state.
  void prefetch_tag(int32_t row) const { __builtin_prefetch(&tag(row)); }
  void prefetch_values(int32_t row) const { prefetch_lines(values(row), dim_); }
  void prefetch_state(int32_t row) const { prefetch_lines(state(row), state_width_); }

 protected:
  [[nodiscard]] int64_t chunk_bytes() const { return (16 + 4 * (dim_ + state_width_)) * kChunkRows; }

  std::vector<char*> chunks_;

 private:
  static constexpr int32_t kMask = static_cast<int32_t>(kChunkRows - 1);

  static void prefetch_lines(const float* first, int64_t count) {
    constexpr int64_t kLine = 64 / sizeof(float);
    for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(first + i);
  }
  [[nodiscard]] char* chunk(int32_t row) const { return chunks_[row >> kChunkBits]; }

  int64_t dim_, state_width_;
};

class RowStore : public RowChunks {
 public:
  using RowChunks::RowChunks;

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t memory_bytes() const;

  // Adds a row with undefined contents; returns its row index.
  int32_t append();
  // Reserves memory for `rows` rows in all and touches its pages; all threads share that cost.
  void reserve(int64_t rows);
  // Adds `rows` rows at once to an empty store.
  void allocate(int64_t rows);

 private:
  void add_block(int64_t chunks);

  int64_t rows_ = 0;
  std::vector<LargeMemory> blocks_;
};

}  // namespace polyscene::embedding
