// Cuts an array of keys of several tables into tasks for threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embedding/plan/table_layout.h"
#include "ops/base/thread.h"

namespace polyscene::embedding {

// Consecutive keys of one table in a key array, and the position of their rows in the matrix of their group.
struct KeyPiece {
  int table, group;
  int64_t begin, end;  // positions in the key array
  int64_t row_begin;   // first row in the group's matrix
  [[nodiscard]] int64_t size() const { return end - begin; }
};

inline constexpr int64_t kPieceKeys = 256;  // the most keys in one piece

// Cuts a key array that is ordered by rank, then by table in wire order. counts: [ranks, tables]. Replaces `pieces`.
void cut_pieces(const TableLayout& layout, std::span<const int64_t> counts, std::vector<KeyPiece>& pieces);

// Calls body(piece) for each, in parallel.
template <class Body>
void for_each_piece(std::span<const KeyPiece> pieces, Body&& body) {
  parallel_for(std::ssize(pieces), 1, [&](int64_t p, int64_t) { body(pieces[p]); });
}

}  // namespace polyscene::embedding
