#include "embedding/table/row_conversion.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "embedding/plan/partition_map.h"
#include "embedding/table/initial_value.h"

namespace polyscene::embedding {

using Kind = SparseOptimizer::Kind;

RowConversion::RowConversion(TableSpec from, TableSpec to, uint64_t seed)
    : from_(std::move(from)), to_(std::move(to)), init_key_(initial_value_key(seed, table_salt(to_.name))) {}

bool RowConversion::keeps_state() const {
  const auto is_adagrad = [](Kind kind) { return kind == Kind::kAdagrad || kind == Kind::kRowWiseAdagrad; };
  const Kind from = from_.optimizer.kind, to = to_.optimizer.kind;
  return from == to || (is_adagrad(from) && is_adagrad(to));
}

void RowConversion::convert_state(const float* from, float* to) const {
  const int64_t both = std::min(from_.dim, to_.dim), to_width = to_.optimizer.state_width(to_.dim);
  std::fill_n(to, to_width, to_.optimizer.initial_state());
  const Kind was = from_.optimizer.kind, is = to_.optimizer.kind;
  if (is == Kind::kRowWiseAdagrad) {
    *to = was == is ? *from : std::accumulate(from, from + from_.dim, 0.0f) / static_cast<float>(from_.dim);
  } else if (was == Kind::kRowWiseAdagrad) {
    std::fill_n(to, both, *from);
  } else {  // m, then v of Adam, or the single part of Adagrad
    const int64_t parts = to_width / to_.dim;
    for (int64_t part = 0; part < parts; ++part) std::copy_n(from + part * from_.dim, both, to + part * to_.dim);
  }
}

RowsIn RowConversion::operator()(const RowsIn& rows) {
  check_rows_in(from_, rows);
  const auto n = std::ssize(rows.keys);
  const int64_t both = std::min(from_.dim, to_.dim), from_width = from_.optimizer.state_width(from_.dim),
                to_width = to_.optimizer.state_width(to_.dim);
  const bool state = !rows.state.empty() && keeps_state();
  converted_.values.resize(n * to_.dim);
  converted_.state.resize(state ? n * to_width : 0);
  for (int64_t i = 0; i < n; ++i) {
    float* const values = converted_.values.data() + i * to_.dim;
    if (to_.dim > both)
      fill_initial_values(init_key_, rows.keys[i], to_.init_stddev, {values, static_cast<size_t>(to_.dim)});
    std::copy_n(rows.values.data() + i * from_.dim, both, values);
    if (state) convert_state(rows.state.data() + i * from_width, converted_.state.data() + i * to_width);
  }
  return {.keys = rows.keys, .values = converted_.values, .state = converted_.state, .accesses = rows.accesses};
}

}  // namespace polyscene::embedding
