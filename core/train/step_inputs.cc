#include "core/train/step_inputs.h"

#include <algorithm>

namespace polyscene {
namespace {

template <class T>
TensorView view(const T* data, Shape shape) {
  return {const_cast<T*>(data), DTypeOf<T>::value, shape};
}

}  // namespace

StepInputs::StepInputs(const Model& model, const FeatureSchema& schema, const TableLayout& layout, Device* device)
    : model_(model),
      schema_(schema),
      layout_(layout),
      deduplicator_(layout),
      fields_(model.fields.size()),
      sequences_(model.sequences.size()),
      bags_(model.bags.size()) {
  if (device != nullptr) copies_.emplace(*device);
}

void StepInputs::prepare(const Batch& batch) {
  batch_ = &batch;
  behaviours_ = distinct_behaviours_ = 0;
  std::vector<KeyBlock> blocks;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const FieldsInput& input = model_.fields[i];
    const auto width = static_cast<int64_t>(input.fields.size());
    const auto index = fields_[i].resize(batch.rows * width);
    if (batch.rows == 0) continue;
    for (size_t k = 0; k < input.fields.size(); ++k)
      blocks.push_back({input.tables[k], batch.fields[static_cast<size_t>(input.fields[k])], index.subspan(k), width});
  }
  for (size_t i = 0; i < sequences_.size(); ++i) prepare_sequence(i, blocks);
  for (size_t i = 0; i < bags_.size(); ++i) prepare_bag(i, blocks);
  deduplicator_.run(blocks, keys_);
  const auto& labels = batch.labels[static_cast<size_t>(model_.label)];
  std::ranges::copy(labels, labels_.resize(batch.rows).begin());
}

void StepInputs::prepare_sequence(size_t i, std::vector<KeyBlock>& blocks) {
  const SequenceInput& input = model_.sequences[i];
  const SequenceBatch& source = batch_->sequences[static_cast<size_t>(input.sequence)];
  Sequence& s = sequences_[i];
  const std::vector<std::span<const int64_t>> sides(source.sides.begin(), source.sides.end());
  const auto count = static_cast<int64_t>(sides[0].size());
  const std::span<const int32_t> first = s.tuples.run(sides, s.index.resize(count));
  s.distinct = static_cast<int64_t>(first.size());
  behaviours_ += count;
  distinct_behaviours_ += s.distinct;

  const auto width = static_cast<int64_t>(sides.size());
  const auto index = s.distinct_index.resize(s.distinct * width);
  s.distinct_keys.resize(sides.size());
  if (s.distinct == 0) return;
  for (size_t k = 0; k < sides.size(); ++k) {
    const auto keys = s.distinct_keys[k].resize(s.distinct);
    for (size_t d = 0; d < first.size(); ++d) keys[d] = sides[k][static_cast<size_t>(first[d])];
    blocks.push_back({input.tables[k], keys, index.subspan(k), width});
  }
}

void StepInputs::prepare_bag(size_t i, std::vector<KeyBlock>& blocks) {
  const BagInput& input = model_.bags[i];
  const BagBatch& source = batch_->bags[static_cast<size_t>(input.bag)];
  const auto ids = static_cast<int64_t>(source.keys.size());
  const auto weights = bags_[i].weights.resize(ids);
  if (source.weights.empty()) {
    std::ranges::fill(weights, 1.0f);
  } else {
    std::ranges::copy(source.weights, weights.begin());
  }
  if (schema_.bags[static_cast<size_t>(input.bag)].mean) {
    for (size_t row = 0; row + 1 < source.offsets.size(); ++row) {
      const auto part = weights.subspan(static_cast<size_t>(source.offsets[row]),
                                        static_cast<size_t>(source.offsets[row + 1] - source.offsets[row]));
      float sum = 0;
      for (float w : part) sum += w;
      if (sum > 0)
        for (float& w : part) w /= sum;
    }
  }
  const auto index = bags_[i].index.resize(ids);
  if (ids > 0) blocks.push_back({input.table, source.keys, index, 1});
}

void StepInputs::bind(Executor& executor, const RowLookup& lookup, double weight) {
  const Batch& batch = *batch_;
  weight_ = static_cast<float>(weight);
  const auto bind = [&](Value value, const TensorView& host) {
    executor.bind(value, copies_ ? copies_->add(host) : host);
  };
  if (copies_) copies_->begin();
  for (const RowsInput& input : model_.rows)
    for (int group = 0; group < layout_.groups(); ++group)
      if (layout_.dim(group) == input.dim) executor.bind(input.rows, lookup.rows(group));
  for (size_t i = 0; i < fields_.size(); ++i)
    bind(model_.fields[i].index,
         view(fields_[i].data(), {batch.rows, static_cast<int64_t>(model_.fields[i].fields.size())}));
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const SequenceInput& input = model_.sequences[i];
    const SequenceBatch& source = batch.sequences[static_cast<size_t>(input.sequence)];
    Sequence& s = sequences_[i];
    bind(input.distinct_index, view(s.distinct_index.data(), {s.distinct, static_cast<int64_t>(input.tables.size())}));
    bind(input.index, view(s.index.data(), {s.index.size()}));
    bind(input.offsets, view(source.offsets.data(), {batch.rows + 1}));
  }
  for (size_t i = 0; i < bags_.size(); ++i) {
    const BagInput& input = model_.bags[i];
    const BagBatch& source = batch.bags[static_cast<size_t>(input.bag)];
    bind(input.index, view(bags_[i].index.data(), {bags_[i].index.size()}));
    bind(input.weights, view(bags_[i].weights.data(), {bags_[i].weights.size(), 1}));
    bind(input.offsets, view(source.offsets.data(), {batch.rows + 1}));
  }
  if (model_.numbers)
    bind(model_.numbers, view(batch.numbers.data(), {batch.rows, static_cast<int64_t>(schema_.numbers.size())}));
  bind(model_.labels, view(labels_.data(), {batch.rows, 1}));
  bind(model_.weight, view(&weight_, {1}));
  if (copies_) copies_->end();
}

}  // namespace polyscene
