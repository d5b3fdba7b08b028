#include "embedding/table/row_store.h"

#include "ops/tensor/tensor.h"

namespace polyscene {

int64_t RowStore::memory_bytes() const {
  const int64_t pointers = static_cast<int64_t>(chunks_.capacity() * sizeof(chunks_[0]));
  return static_cast<int64_t>(chunks_.size()) * chunk_bytes() + pointers;
}

int32_t RowStore::append(int64_t key) {
  if (rows_ == static_cast<int64_t>(chunks_.size()) * kChunkRows) chunks_.push_back(allocate_host(chunk_bytes()));
  const int32_t row = static_cast<int32_t>(rows_++);
  reinterpret_cast<int64_t*>(chunk(row))[row & kMask] = key;
  return row;
}

void RowStore::truncate(int64_t rows) {
  rows_ = rows;
  chunks_.resize(static_cast<size_t>((rows + kChunkRows - 1) / kChunkRows));
}

void RowStore::prefetch(int32_t row, bool with_state) const {
  constexpr int64_t kLine = 64 / sizeof(float);
  const float* first = values(row);
  for (int64_t i = 0; i < dim_; i += kLine) __builtin_prefetch(first + i);
  if (!with_state) return;
  first = state(row);
  for (int64_t i = 0; i < state_width_; i += kLine) __builtin_prefetch(first + i);
}

}  // namespace polyscene
