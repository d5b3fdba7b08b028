#include "embedding/table/saved_rows.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "embedding/plan/bucket_plan.h"

namespace polyscene::embedding {
namespace {

struct Lengths {
  size_t keys, values, state, accesses;
};

[[nodiscard]] bool fit(const TableSpec& spec, size_t n, const Lengths& l) {
  const size_t dim = spec.dim, width = spec.optimizer.state_width(spec.dim);
  return l.keys == n && l.values == n * dim && (l.state == 0 || l.state == n * width) &&
         (l.accesses == 0 || l.accesses == n);
}

template <class T>
void append(std::vector<T>& to, std::span<const T> rows, size_t row, int64_t width) {
  if (rows.empty()) return;
  const auto from = rows.begin() + row * width;
  to.insert(to.end(), from, from + width);
}

void append_row(SavedRows& to, const TableSpec& spec, const RowsIn& rows, size_t row) {
  to.keys.push_back(rows.keys[row]);
  append(to.values, rows.values, row, spec.dim);
  append(to.state, rows.state, row, spec.optimizer.state_width(spec.dim));
  append(to.accesses, rows.accesses, row, 1);
}

}  // namespace

void check_rows_in(const TableSpec& spec, const RowsIn& rows) {
  const size_t n = rows.keys.size();
  require(fit(spec, n, {n, rows.values.size(), rows.state.size(), rows.accesses.size()}), "[embedding.table] table \"",
          spec.name, "\": wanted ", n * static_cast<size_t>(spec.dim), " values, ",
          n * static_cast<size_t>(spec.optimizer.state_width(spec.dim)), " (or no) state floats and ", n,
          " (or no) access statistics for ", n, " keys, got ", rows.values.size(), ", ", rows.state.size(), " and ",
          rows.accesses.size(), "; the rows were saved with another dim or optimizer");
}

void check_rows_out(const TableSpec& spec, int64_t rows, const RowsOut& out) {
  const size_t n = rows;
  require(fit(spec, n, {out.keys.size(), out.values.size(), out.state.size(), out.accesses.size()}),
          "[embedding.table] table \"", spec.name, "\": wanted room for ", n, " keys, ",
          n * static_cast<size_t>(spec.dim), " values, ", n * static_cast<size_t>(spec.optimizer.state_width(spec.dim)),
          " (or no) state floats and ", n, " (or no) access statistics, got ", out.keys.size(), ", ", out.values.size(),
          ", ", out.state.size(), " and ", out.accesses.size());
}

SavedRows rows_of_rank(const TableLayout& layout, int table, int rank, const TableSpec& spec, const RowsIn& rows) {
  check_rows_in(spec, rows);
  SavedRows own;
  for (size_t i = 0; i < rows.keys.size(); ++i)
    if (layout.owner(table, rows.keys[i]) == rank) append_row(own, spec, rows, i);
  return own;
}

SavedRows keep_newest(const TableLayout& layout, int table, const TableSpec& spec, SavedRows rows) {
  const BucketPlan plan = plan_buckets(spec.max_rows, layout.map().partitions());
  std::map<int64_t, size_t> row_of_key;
  for (size_t i = 0; i < rows.keys.size(); ++i) row_of_key[rows.keys[i]] = i;
  std::unordered_map<int64_t, std::vector<size_t>> buckets;
  for (const auto& [key, row] : row_of_key) buckets[plan.bucket(key_hash(key, layout.salt(table)))].push_back(row);

  std::vector<bool> dropped(rows.keys.size());
  size_t kept = row_of_key.size();
  for (auto& [bucket, of_bucket] : buckets) {
    if (of_bucket.size() <= static_cast<size_t>(plan.slots)) continue;
    std::ranges::sort(of_bucket, std::greater{}, [&](size_t row) {
      return std::tuple(rows.accesses.empty() ? 0 : rows.accesses[row].last_step, rows.keys[row]);
    });
    for (size_t i = plan.slots; i < of_bucket.size(); ++i) dropped[of_bucket[i]] = true;
    kept -= of_bucket.size() - plan.slots;
  }
  if (kept == rows.keys.size()) return rows;
  SavedRows newest;
  for (const auto& [key, row] : row_of_key)
    if (!dropped[row]) append_row(newest, spec, rows.view(), row);
  return newest;
}

InvalidArgument overfull_bucket(const TableSpec& spec, int64_t keys, int32_t slots) {
  return InvalidArgument(
      str("[embedding.table] table \"", spec.name, "\" with max_rows ", spec.max_rows, ": ", keys,
          " keys of one step want a bucket of ", slots,
          " rows; the table is too small for its batches: raise max_rows to at least four times the distinct keys "
          "of a batch"));
}

}  // namespace polyscene::embedding
