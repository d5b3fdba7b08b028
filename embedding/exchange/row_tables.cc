#include "embedding/exchange/row_tables.h"

#include <algorithm>
#include <utility>

namespace polyscene::embedding {

std::vector<int64_t> RowTables::global_rows() {
  std::vector<int64_t> all;
  for (int t = 0; t < tables(); ++t) all.push_back(rows(t));
  communicator_->all_reduce(std::span(all));
  return all;
}

RowTables::Loaded RowTables::load_rows(int index, const RowsIn& rows) {
  check_rows_in(spec(index), rows);
  const auto is_mine = [&](int64_t key) { return layout_.owner(index, key) == communicator_->rank(); };
  if (spec(index).max_rows == 0 && std::ranges::all_of(rows.keys, is_mine)) {
    write_rows(index, rows);
    return {.kept = std::ssize(rows.keys)};
  }
  SavedRows own = rows_of_rank(layout_, index, communicator_->rank(), spec(index), rows);
  const int64_t owned = std::ssize(own.keys);
  if (spec(index).max_rows > 0) own = keep_newest(layout_, index, spec(index), std::move(own));
  write_rows(index, own.view());
  return {.kept = std::ssize(own.keys), .dropped = owned - std::ssize(own.keys)};
}

}  // namespace polyscene::embedding
