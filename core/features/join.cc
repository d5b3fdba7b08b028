#include "core/features/join.h"

#include <algorithm>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

using Batches = std::span<const Batch* const>;

// column(batch) is a vector.
template <class Column>
auto join_column(Batches batches, const Column& column) {
  std::remove_cvref_t<decltype(column(*batches[0]))> all;
  size_t size = 0;
  for (const Batch* batch : batches) size += column(*batch).size();
  all.reserve(size);
  for (const Batch* batch : batches) all.insert(all.end(), column(*batch).begin(), column(*batch).end());
  return all;
}

// columns(batch) is a vector of vectors.
template <class Columns>
auto join_columns(Batches batches, const Columns& columns) {
  std::remove_cvref_t<decltype(columns(*batches[0]))> all;
  for (size_t i = 0; i < columns(*batches[0]).size(); ++i)
    all.push_back(join_column(
        batches, [&](const Batch& b) -> const auto& { return columns(b)[i]; }));
  return all;
}

// list(batch) has offsets [rows + 1].
template <class List>
std::vector<int32_t> join_offsets(Batches batches, const List& list) {
  std::vector<int32_t> all = {0};
  int64_t before = 0;
  for (const Batch* batch : batches) {
    const std::vector<int32_t>& offsets = list(*batch).offsets;
    require(before + offsets.back() <= std::numeric_limits<int32_t>::max(), "[data] wanted at most 2147483647 ids in ",
            "one feature of a batch, got more; join fewer rows, or lower max_length");
    for (size_t row = 1; row < offsets.size(); ++row) all.push_back(static_cast<int32_t>(before + offsets[row]));
    before += offsets.back();
  }
  return all;
}

BagBatch join_bags(Batches batches, size_t i) {
  const auto bag = [i](const Batch& b) -> const BagBatch& { return b.bags[i]; };
  BagBatch all{.offsets = join_offsets(batches, bag),
               .keys = join_column(
                   batches, [&](const Batch& b) -> const auto& { return bag(b).keys; }),
               .weights = {}};
  if (std::ranges::all_of(batches, [&](const Batch* b) { return bag(*b).weights.empty(); })) return all;
  for (const Batch* batch : batches) {
    const std::vector<float>& weights = bag(*batch).weights;
    all.weights.insert(all.weights.end(), weights.begin(), weights.end());
    if (weights.empty()) all.weights.resize(all.weights.size() + bag(*batch).keys.size(), 1.0f);
  }
  return all;
}

SequenceBatch join_sequences(Batches batches, size_t i) {
  const auto sequence = [i](const Batch& b) -> const SequenceBatch& { return b.sequences[i]; };
  return {.offsets = join_offsets(batches, sequence),
          .sides = join_columns(
              batches, [&](const Batch& b) -> const auto& { return sequence(b).sides; })};
}

}  // namespace

Batch join(Batches batches) {
  Batch all;
  if (batches.empty()) return all;
  for (const Batch* batch : batches) {
    all.rows += batch->rows;
    all.global_rows += batch->global_rows;
  }
  for (size_t i = 0; i < batches[0]->bags.size(); ++i) all.bags.push_back(join_bags(batches, i));
  for (size_t i = 0; i < batches[0]->sequences.size(); ++i) all.sequences.push_back(join_sequences(batches, i));
  all.fields = join_columns(
      batches, [](const Batch& b) -> const auto& { return b.fields; });
  all.numbers = join_column(
      batches, [](const Batch& b) -> const auto& { return b.numbers; });
  all.labels = join_columns(
      batches, [](const Batch& b) -> const auto& { return b.labels; });
  all.scenario = join_column(
      batches, [](const Batch& b) -> const auto& { return b.scenario; });
  all.groups = join_columns(
      batches, [](const Batch& b) -> const auto& { return b.groups; });
  all.row_keys = join_column(
      batches, [](const Batch& b) -> const auto& { return b.row_keys; });
  all.times = join_column(
      batches, [](const Batch& b) -> const auto& { return b.times; });
  return all;
}

}  // namespace polyscene::core
