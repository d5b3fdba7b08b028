#include "embedding/table/table_snapshot.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace polyscene::embedding {
namespace {

constexpr size_t kAhead = 12;

std::unique_ptr<char* [], void (*)(void*)> zeroed_pointers(int64_t count) {
  // calloc, because pages that are never written cost nothing.
  auto* const memory = static_cast<char**>(std::calloc(std::max<int64_t>(count, 1), sizeof(char*)));
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, std::free};
}

template <class T>
void copy_part(std::span<T> to, const T* from, size_t row, int64_t width) {
  if (!to.empty()) std::copy_n(from, width, to.data() + static_cast<int64_t>(row) * width);
}

}  // namespace

CopiedRows::CopiedRows(const TableSpec& spec, SavedRows rows)
    : TableSnapshot(std::ssize(rows.keys)),
      dim_(spec.dim),
      state_width_(spec.optimizer.state_width(spec.dim)),
      copy_(std::move(rows)) {}

void CopiedRows::read(std::span<const int32_t> rows, const RowsOut& out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t row = rows[i];
    copy_part(out.keys, copy_.keys.data() + row, i, 1);
    copy_part(out.values, copy_.values.data() + static_cast<int64_t>(row) * dim_, i, dim_);
    copy_part(out.state, copy_.state.data() + static_cast<int64_t>(row) * state_width_, i, state_width_);
    copy_part(out.accesses, copy_.accesses.data() + row, i, 1);
  }
}

RowSnapshot::RowSnapshot(RowChunks chunks, std::vector<int32_t> numbers, int64_t count)
    : TableSnapshot(count),
      chunks_(std::move(chunks)),
      numbers_(std::move(numbers)),
      end_(numbers_.empty() ? count : int64_t{*std::ranges::max_element(numbers_)} + 1),
      copied_(end_ / 64 + 1),
      copies_(zeroed_pointers(end_)) {}

void RowSnapshot::preserve(std::span<const int32_t> store_rows) {
  const std::shared_lock lock(reading_);
  if (released_) return;
  const auto wanted = [&](int32_t row) { return row >= 0 && row < end_ && !is_copied(row); };
  const int64_t dim = chunks_.dim(), width = chunks_.state_width();
  const size_t values_bytes = 4 * dim, state_bytes = 4 * width,
               bytes = (sizeof(RowTag) + values_bytes + state_bytes + alignof(RowTag) - 1) & ~(alignof(RowTag) - 1);
  const size_t count = std::ranges::count_if(store_rows, wanted);
  if (count == 0) return;
  std::unique_ptr<char[]> block(new char[count * bytes]);
  char* free = block.get();
  for (size_t i = 0; i < store_rows.size(); ++i) {
    if (const size_t next = i + kAhead; next < store_rows.size() && wanted(store_rows[next])) {
      chunks_.prefetch_values(store_rows[next]);
      chunks_.prefetch_state(store_rows[next]);
    }
    const int32_t row = store_rows[i];
    if (!wanted(row)) continue;
    char* const to = free;
    std::memcpy(to, &chunks_.tag(row), sizeof(RowTag));
    std::memcpy(to + sizeof(RowTag), chunks_.values(row), values_bytes);
    std::memcpy(to + sizeof(RowTag) + values_bytes, chunks_.state(row), state_bytes);
    copies_[row] = to;
    std::atomic_ref(copied_[row / 64]).fetch_or(uint64_t{1} << (row % 64), std::memory_order_relaxed);
    free += bytes;
  }
  copied_bytes_ += count * bytes;
  const std::lock_guard blocks_lock(blocks_mutex_);
  blocks_.push_back(std::move(block));
}

void RowSnapshot::read(std::span<const int32_t> rows, const RowsOut& out) {
  constexpr size_t kSome = 512;
  const size_t dim = chunks_.dim(), width = chunks_.state_width();
  for (size_t first = 0; first < rows.size(); first += kSome) {
    const size_t count = std::min(kSome, rows.size() - first);
    const auto part = [&](auto span, size_t w) { return span.empty() ? span : span.subspan(first * w, count * w); };
    const std::unique_lock lock(reading_);
    read_some(rows.subspan(first, count),
              {part(out.keys, 1), part(out.values, dim), part(out.state, width), part(out.accesses, 1)});
  }
}

void RowSnapshot::read_some(std::span<const int32_t> rows, const RowsOut& out) const {
  const int64_t dim = chunks_.dim(), width = chunks_.state_width();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) {
      const int32_t next = number(rows[i + kAhead]);
      if (!out.keys.empty() || !out.accesses.empty()) chunks_.prefetch_tag(next);
      if (!out.values.empty()) chunks_.prefetch_values(next);
      if (!out.state.empty()) chunks_.prefetch_state(next);
    }
    const int32_t row = number(rows[i]);
    const char* const copy = is_copied(row) ? copies_[row] : nullptr;
    const RowTag& tag = copy != nullptr ? *reinterpret_cast<const RowTag*>(copy) : chunks_.tag(row);
    const float* const values =
        copy != nullptr ? reinterpret_cast<const float*>(copy + sizeof(RowTag)) : chunks_.values(row);
    const float* const state = copy != nullptr ? values + dim : chunks_.state(row);
    copy_part(out.keys, &tag.key, i, 1);
    copy_part(out.values, values, i, dim);
    copy_part(out.state, state, i, width);
    copy_part(out.accesses, &tag.access, i, 1);
  }
}

void RowSnapshot::release() {
  const std::unique_lock lock(reading_);
  released_ = true;
  blocks_.clear();
  copies_.reset();
  copied_ = {};
}

}  // namespace polyscene::embedding
