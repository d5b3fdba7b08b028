#include "embedding/row_tables.h"

namespace polyscene {

std::vector<int64_t> RowTables::global_rows() {
  std::vector<int64_t> all;
  for (int t = 0; t < tables(); ++t) all.push_back(rows(t));
  communicator_->all_reduce(std::span(all));
  return all;
}

int64_t RowTables::load_rows(int index, std::span<const int64_t> keys, std::span<const float> values,
                             std::span<const float> state) {
  const SavedRows own = rows_of_rank(layout_, index, communicator_->rank(), spec(index), keys, values, state);
  write_rows(index, own);
  return static_cast<int64_t>(own.keys.size());
}

}  // namespace polyscene
