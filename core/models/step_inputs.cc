#include "core/models/step_inputs.h"

#include <algorithm>
#include <numeric>

namespace polyscene::core {
namespace {

template <class T>
TensorView view(const T* data, Shape shape) {
  return {const_cast<T*>(data), DTypeOf<T>::value, shape};
}

template <class T>
void fill_from(std::span<T> values, int64_t from, T value) {
  std::fill(values.begin() + from, values.end(), value);
}

std::vector<int> groups_of(const std::vector<RowsInput>& inputs, const embedding::TableLayout& layout) {
  std::vector<int> groups;
  for (const RowsInput& input : inputs)
    for (int group = 0; group < layout.groups(); ++group)
      if (layout.dim(group) == input.dim) groups.push_back(group);
  require(groups.size() == inputs.size(), "[models] wanted a group of tables for each width of rows");
  return groups;
}

}  // namespace

StepInputs::StepInputs(const Model& model, const FeatureSchema& schema, const embedding::TableLayout& layout,
                       int64_t pad_up_to)
    : model_(model),
      schema_(schema),
      layout_(layout),
      row_groups_(groups_of(model.rows, layout)),
      deduplicator_(layout),
      pad_up_to_(pad_up_to),
      fields_(model.fields.size()),
      sequences_(model.sequences.size()),
      bags_(model.bags.size()) {}

void StepInputs::prepare(const Batch& batch) {
  batch_ = &batch;
  padded_ = batch.rows > 0 && batch.rows <= pad_up_to_;
  // Enough padding rows that none of them gets many more padding behaviours than a sample has behaviours.
  rows_ = padded_ ? padded_extent(batch.rows + std::max<int64_t>(1, batch.rows / 32)) : batch.rows;
  behaviours_ = distinct_behaviours_ = 0;
  std::vector<embedding::KeyBlock> blocks;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const FieldsInput& input = model_.fields[i];
    const auto width = std::ssize(input.fields);
    const auto index = fields_[i].resize(rows_ * width);
    fill_from(index, batch.rows * width, -1);
    if (batch.rows == 0) continue;
    for (size_t k = 0; k < input.fields.size(); ++k)
      blocks.push_back({input.tables[k], batch.fields[input.fields[k]], index.subspan(k), width});
  }
  for (size_t i = 0; i < sequences_.size(); ++i) prepare_sequence(i, blocks);
  for (size_t i = 0; i < bags_.size(); ++i) prepare_bag(i, blocks);
  deduplicator_.run(blocks, keys_);
  labels_.resize(rows_);
  // A batch that is only scored may lack the label.
  const bool labelled = static_cast<size_t>(model_.label) < batch.labels.size();
  fill_from(labels_.span(), labelled ? batch.rows : 0, -1.0f);
  if (labelled) std::ranges::copy(batch.labels[model_.label], labels_.span().begin());
}

void StepInputs::prepare_sequence(size_t i, std::vector<embedding::KeyBlock>& blocks) {
  const SequenceInput& input = model_.sequences[i];
  const SequenceBatch& source = batch_->sequences[input.sequence];
  Sequence& s = sequences_[i];
  const std::vector<std::span<const int64_t>> sides(source.sides.begin(), source.sides.end());
  const auto count = std::ssize(sides[0]), width = std::ssize(sides);
  const std::span<int32_t> index = s.index.resize(pad(count));
  const std::span<const int32_t> first = s.tuples.run(sides, index.first(count));
  const auto distinct = std::ssize(first);
  behaviours_ += count;
  distinct_behaviours_ += distinct;
  for (int64_t fill = count; fill < pad(count); ++fill)
    index[fill] = static_cast<int32_t>((fill - count) % pad(distinct));

  const std::span<int32_t> distinct_index = s.distinct_index.resize(pad(distinct) * width);
  fill_from(distinct_index, distinct * width, -1);
  s.distinct_keys.resize(sides.size());
  if (distinct == 0) return;
  for (size_t k = 0; k < sides.size(); ++k) {
    const auto keys = s.distinct_keys[k].resize(distinct);
    for (size_t d = 0; d < first.size(); ++d) keys[d] = sides[k][first[d]];
    blocks.push_back({input.tables[k], keys, distinct_index.subspan(k), width});
  }
}

void StepInputs::prepare_bag(size_t i, std::vector<embedding::KeyBlock>& blocks) {
  const BagInput& input = model_.bags[i];
  const BagBatch& source = batch_->bags[input.bag];
  const auto ids = std::ssize(source.keys);
  const std::span<float> weights = bags_[i].weights.resize(pad(ids));
  if (source.weights.empty()) {
    std::ranges::fill(weights, 1.0f);
  } else {
    std::ranges::copy(source.weights, weights.begin());
  }
  fill_from(weights, ids, 0.0f);
  if (schema_.bags[input.bag].mean) {
    for (size_t row = 0; row + 1 < source.offsets.size(); ++row) {
      const auto part = weights.subspan(source.offsets[row], source.offsets[row + 1] - source.offsets[row]);
      float sum = 0;
      for (float w : part) sum += w;
      if (sum > 0)
        for (float& w : part) w /= sum;
    }
  }
  const std::span<int32_t> index = bags_[i].index.resize(pad(ids));
  fill_from(index, ids, -1);
  if (ids > 0) blocks.push_back({input.table, source.keys, index, 1});
}

TensorView StepInputs::offsets(const std::vector<int32_t>& real, int64_t extent,
                               embedding::Buffer<int32_t>& room) const {
  if (!padded_) return view(real.data(), {batch_->rows + 1});
  const std::span<int32_t> all = room.resize(rows_ + 1);
  std::ranges::copy(real, all.begin());
  const int64_t fills = rows_ - batch_->rows, surplus = extent - real.back();
  for (int64_t f = 1; f <= fills; ++f) all[batch_->rows + f] = real.back() + static_cast<int32_t>(surplus * f / fills);
  return view(all.data(), {rows_ + 1});
}

void StepInputs::bind(Executor& executor, const embedding::RowLookup& lookup, double weight, const Placing& place) {
  const Batch& batch = *batch_;
  weight_ = static_cast<float>(weight);
  const auto bind = [&](Value value, const TensorView& host) { executor.bind(value, place(host)); };
  for (size_t i = 0; i < row_groups_.size(); ++i) {
    const TensorView rows = lookup.rows(row_groups_[i]);
    executor.bind(model_.rows[i].rows, {rows.data, rows.dtype, {pad(rows.shape[0]), model_.rows[i].dim}});
  }
  for (size_t i = 0; i < fields_.size(); ++i)
    bind(model_.fields[i].index, view(fields_[i].data(), {rows_, std::ssize(model_.fields[i].fields)}));
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const SequenceInput& input = model_.sequences[i];
    Sequence& s = sequences_[i];
    const auto sides = std::ssize(input.tables);
    bind(input.distinct_index, view(s.distinct_index.data(), {s.distinct_index.size() / sides, sides}));
    bind(input.index, view(s.index.data(), {s.index.size()}));
    const std::vector<int32_t>& real = batch.sequences[input.sequence].offsets;
    bind(input.offsets, offsets(real, s.index.size(), s.offsets));
  }
  for (size_t i = 0; i < bags_.size(); ++i) {
    const BagInput& input = model_.bags[i];
    Bag& b = bags_[i];
    bind(input.index, view(b.index.data(), {b.index.size()}));
    bind(input.weights, view(b.weights.data(), {b.weights.size(), 1}));
    bind(input.offsets, offsets(batch.bags[input.bag].offsets, b.index.size(), b.offsets));
  }
  if (model_.numbers) {
    const auto width = std::ssize(schema_.numbers);
    if (padded_) {
      std::ranges::copy(batch.numbers, numbers_.resize(rows_ * width).begin());
      fill_from(numbers_.span(), batch.rows * width, 0.0f);
    }
    bind(model_.numbers, view(padded_ ? numbers_.data() : batch.numbers.data(), {rows_, width}));
  }
  bind(model_.labels, view(labels_.data(), {rows_, 1}));
  bind(model_.weight, view(&weight_, {1}));
}

}  // namespace polyscene::core
