#include "embedding/table/saved_rows.h"

#include "ops/base/error.h"

namespace polyscene {
namespace {

void append(std::vector<float>& to, std::span<const float> rows, size_t row, int64_t width) {
  if (rows.empty()) return;
  const auto from = rows.begin() + static_cast<std::ptrdiff_t>(row) * width;
  to.insert(to.end(), from, from + width);
}

}  // namespace

void check_row_lengths(const TableSpec& spec, std::span<const int64_t> keys, std::span<const float> values,
                       std::span<const float> state) {
  const size_t n = keys.size(), dim = static_cast<size_t>(spec.dim),
               width = static_cast<size_t>(spec.optimizer.state_width(spec.dim));
  require(values.size() == n * dim && (state.empty() || state.size() == n * width), "[embedding.table] table \"",
          spec.name, "\": wanted ", n * dim, " values and ", n * width, " (or no) state floats for ", n, " keys, got ",
          values.size(), " and ", state.size(), "; the rows were saved with another dim or optimizer");
}

SavedRows rows_of_rank(const TableLayout& layout, int table, int rank, const TableSpec& spec,
                       std::span<const int64_t> keys, std::span<const float> values, std::span<const float> state) {
  check_row_lengths(spec, keys, values, state);
  SavedRows own;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (layout.owner(table, keys[i]) != rank) continue;
    own.keys.push_back(keys[i]);
    append(own.values, values, i, spec.dim);
    append(own.state, state, i, spec.optimizer.state_width(spec.dim));
  }
  return own;
}

}  // namespace polyscene
