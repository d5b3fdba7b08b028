#include "embedding/keys/key_pieces.h"

#include <algorithm>

namespace polyscene::embedding {

void cut_pieces(const TableLayout& layout, std::span<const int64_t> counts, std::vector<KeyPiece>& pieces) {
  pieces.clear();
  std::vector<int64_t> group_rows(layout.groups());
  int64_t key = 0;
  for (size_t cell = 0; cell < counts.size(); ++cell) {
    const int table = layout.wire_order()[cell % layout.tables()];
    const int group = layout.group_of(table);
    int64_t& row = group_rows[group];
    for (int64_t left = counts[cell]; left > 0;) {
      const int64_t n = std::min(left, kPieceKeys);
      pieces.push_back({.table = table, .group = group, .begin = key, .end = key + n, .row_begin = row});
      key += n;
      row += n;
      left -= n;
    }
  }
}

}  // namespace polyscene::embedding
