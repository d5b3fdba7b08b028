#include "ops/jagged/source_lists.h"

#include <algorithm>

#include "ops/base/thread.h"

namespace polyscene::ops {
namespace {

// The index is cut into parts that count and place their entries independently. Every part has its own counter per row,
// which limits how many parts pay off. Their number does not change the result, because a stable sort has only one
// result.
int64_t part_count(int64_t entries, int64_t rows) {
  return std::clamp<int64_t>(entries / std::max<int64_t>(rows, 32768), 1, 16);
}

}  // namespace

SourceLists invert_index(std::span<const int32_t> index, int64_t rows, Scratch& scratch) {
  const auto entries = std::ssize(index);
  const int64_t parts = part_count(entries, rows), part = (entries + parts - 1) / parts;
  const SourceLists lists{scratch.get<int32_t>(rows + 1), scratch.get<int32_t>(entries)};
  int32_t* next = scratch.get<int32_t>(parts * rows).data();  // [parts, rows]: first counts, then positions
  const int32_t* row_of = index.data();

  std::fill_n(next, rows, 0);  // the only part when there are no entries
  parallel_for(entries, part, [=](int64_t begin, int64_t end) {
    int32_t* count = next + begin / part * rows;
    std::fill_n(count, rows, 0);
    for (int64_t i = begin; i < end; ++i)
      if (row_of[i] >= 0) ++count[row_of[i]];
  });
  int32_t placed = 0;
  for (int64_t u = 0; u < rows; ++u) {
    lists.begin[u] = placed;
    for (int64_t p = 0; p < parts; ++p) placed += std::exchange(next[p * rows + u], placed);
  }
  lists.begin[rows] = placed;
  int32_t* order = lists.order.data();
  parallel_for(entries, part, [=](int64_t begin, int64_t end) {
    int32_t* place = next + begin / part * rows;
    for (int64_t i = begin; i < end; ++i)
      if (row_of[i] >= 0) order[place[row_of[i]]++] = static_cast<int32_t>(i);
  });
  return lists;
}

}  // namespace polyscene::ops
