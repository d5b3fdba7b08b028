// Stable radix sort of rows by a 64-bit key, in linear time. Ids rarely use all their bytes, so most passes are
// skipped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace polyscene::core {

// Sorts ascending by key(row), byte by byte from the lowest; a byte that all rows share is only counted. Equal keys
// keep their order, so sorting by the minor key first and the major key last sorts by both. `spare` is working memory.
template <class Row, class Key>
void stable_radix_sort(std::vector<Row>& rows, std::vector<Row>& spare, const Key& key) {
  constexpr size_t kBytes = 8, kValues = 256;
  std::array<std::array<size_t, kValues>, kBytes> counts{};
  for (const Row& row : rows) {
    const uint64_t k = key(row);
    for (size_t b = 0; b < kBytes; ++b) ++counts[b][k >> (8 * b) & 0xff];
  }
  spare.resize(rows.size());
  for (size_t b = 0; b < kBytes; ++b) {
    if (rows.empty() || counts[b][key(rows.front()) >> (8 * b) & 0xff] == rows.size()) continue;
    size_t next = 0;
    for (size_t& count : counts[b]) next += std::exchange(count, next);  // from here on: positions of rows
    for (const Row& row : rows) spare[counts[b][key(row) >> (8 * b) & 0xff]++] = row;
    rows.swap(spare);
  }
}

// Bits whose unsigned order is the order of signed ids.
[[nodiscard]] inline uint64_t ordered_bits(int64_t id) { return static_cast<uint64_t>(id) ^ (uint64_t{1} << 63); }

}  // namespace polyscene::core
