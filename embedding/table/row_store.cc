#include "embedding/table/row_store.h"

#include <algorithm>

#include "ops/base/thread.h"

namespace polyscene::embedding {

int64_t RowStore::memory_bytes() const {
  const size_t lists = chunks_.capacity() * sizeof(chunks_[0]) + blocks_.capacity() * sizeof(blocks_[0]);
  return std::ssize(chunks_) * chunk_bytes() + static_cast<int64_t>(lists);
}

int32_t RowStore::append() {
  constexpr int64_t kMaxBlockBytes = int64_t{256} << 20;
  const auto have = std::ssize(chunks_);
  if (rows_ == have * kChunkRows)
    add_block(std::clamp<int64_t>(have / 8, 1, std::max<int64_t>(1, kMaxBlockBytes / chunk_bytes())));
  return static_cast<int32_t>(rows_++);
}

void RowStore::reserve(int64_t rows) {
  constexpr int64_t kPage = 4096;
  const int64_t chunks = (rows + kChunkRows - 1) / kChunkRows - std::ssize(chunks_);
  if (chunks <= 0) return;
  add_block(chunks);
  char* const memory = blocks_.back().get();
  parallel_for(chunks, 16, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * chunk_bytes(); at < end * chunk_bytes(); at += kPage) memory[at] = 0;
  });
}

void RowStore::allocate(int64_t rows) {
  if (rows > 0) add_block((rows + kChunkRows - 1) / kChunkRows);
  rows_ = rows;
}

void RowStore::add_block(int64_t chunks) {
  blocks_.push_back(allocate_large(chunks * chunk_bytes()));
  char* memory = blocks_.back().get();
  for (int64_t c = 0; c < chunks; ++c) chunks_.push_back(memory + c * chunk_bytes());
}

}  // namespace polyscene::embedding
