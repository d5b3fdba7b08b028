// Batches for a session, without files.
#pragma once

#include <cstdint>

#include "core/features/batch.h"
#include "core/features/feature_schema.h"
#include "ops/base/philox.h"

namespace polyscene::testing {

// A batch for the schema of tiny_experiment() (tests/core/models/model_harness.h): ids from 0 to keys - 1, sequences of
// 0 to 5 behaviours. A label is 1 exactly if the id of the item is a multiple of 3, so that a model can learn it.
// Scenarios, groups, numbers and row keys stay empty.
inline core::Batch random_batch(const core::FeatureSchema& schema, int64_t rows, uint64_t seed, uint64_t keys = 12) {
  constexpr size_t kItem = 1;  // its place among the fields
  PhiloxStream random(seed);
  const auto key = [&] { return static_cast<int64_t>(random.next_below(keys)); };
  core::Batch batch;
  batch.rows = batch.global_rows = rows;
  batch.fields.resize(schema.fields.size());
  batch.sequences.resize(1);
  core::SequenceBatch& sequence = batch.sequences[0];
  sequence.sides.resize(schema.sequences[0].sides.size());
  sequence.offsets = {0};
  batch.labels.resize(schema.labels.size());
  for (int64_t row = 0; row < rows; ++row) {
    for (auto& field : batch.fields) field.push_back(key());
    const auto length = static_cast<int32_t>(random.next_below(6));
    for (auto& side : sequence.sides)
      for (int32_t i = 0; i < length; ++i) side.push_back(key());
    sequence.offsets.push_back(sequence.offsets.back() + length);
    for (auto& label : batch.labels) label.push_back(batch.fields[kItem].back() % 3 == 0 ? 1.0f : 0.0f);
  }
  return batch;
}

}  // namespace polyscene::testing
