// The inverse of an index: for every row, the positions that read it.
#pragma once

#include <cstdint>
#include <span>

#include "ops/kernel/kernel.h"

namespace polyscene::ops {

// Positions order[begin[u]] ... order[begin[u + 1] - 1] of the index read row u, ascending.
struct SourceLists {
  std::span<int32_t> begin;  // [rows + 1]
  std::span<int32_t> order;  // [index entries that are not -1, then unused space]
};

// A stable, parallel counting sort in scratch memory; O(entries + rows). Entries are -1 (dropped) or in [0, rows).
[[nodiscard]] SourceLists invert_index(std::span<const int32_t> index, int64_t rows, Scratch& scratch);

}  // namespace polyscene::ops
