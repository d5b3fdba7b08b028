#include "core/data/window.h"

#include <algorithm>
#include <utility>

namespace polyscene::core {
namespace {

void clear_columns(Batch& b) {
  for (auto& bag : b.bags) {
    bag.offsets.assign(1, 0);
    bag.keys.clear();
    bag.weights.clear();
  }
  for (auto& sequence : b.sequences) sequence.offsets.assign(1, 0);
  b.rows = 0;
}

void shape(Batch& b, const FeatureSchema& schema) {
  b.fields.resize(schema.fields.size());
  b.bags.resize(schema.bags.size());
  b.sequences.resize(schema.sequences.size());
  b.labels.resize(schema.labels.size());
  b.groups.resize(schema.groups.size());
  for (auto& bag : b.bags) {
    if (bag.offsets.empty()) bag.offsets.push_back(0);
  }
  for (size_t i = 0; i < b.sequences.size(); ++i) {
    b.sequences[i].sides.resize(schema.sequences[i].sides.size());
    if (b.sequences[i].offsets.empty()) b.sequences[i].offsets.push_back(0);
  }
}

}  // namespace

void Window::reject(int64_t row, const std::string& column, std::string reason, std::string value) {
  if (std::exchange(bad[row], uint8_t{1}) != 0) return;
  rejects.push_back({row, column, std::move(reason), std::move(value)});
}

const RowSpan& Window::span_of(int64_t row) const {
  const auto after =
      std::upper_bound(spans.begin(), spans.end(), row, [](int64_t r, const RowSpan& span) { return r < span.first; });
  return *(after - 1);
}

const Reject& Window::reject_of(int64_t row) const {
  return *std::lower_bound(rejects.begin(), rejects.end(), row,
                           [](const Reject& reject, int64_t r) { return reject.row < r; });
}

void Window::clear() {
  clear_columns(columns);
  bad.clear();
  bags_cut.clear();
  sequences_cut.clear();
  rejects.clear();
  spans.clear();
  order.clear();
  scenario_names.clear();
  carried.clear();
}

namespace {

template <class T>
void grow(std::vector<T>& values, size_t size) {
  if (values.size() < size) values.resize(size);
}

}  // namespace

void append_rows(Window& window, const FeatureSchema& schema, bool times, int64_t rows) {
  Batch& b = window.columns;
  shape(b, schema);
  b.rows += rows;
  const size_t size = b.rows;
  for (auto& field : b.fields) grow(field, size);
  for (auto& label : b.labels) grow(label, size);
  for (auto& group : b.groups) grow(group, size);
  grow(b.numbers, size * schema.numbers.size());
  grow(b.scenario, size);
  grow(b.row_keys, size);
  if (times) grow(b.times, size);
  window.bad.resize(size);  // new entries are 0, here and in the next two
  window.bags_cut.resize(size);
  window.sequences_cut.resize(size);
}

}  // namespace polyscene::core
