// From a batch of keys to the inputs of a model's graph: distinct behaviours, distinct keys, rows of the tables, and
// for every feature the index of its row.
#pragma once

#include <optional>
#include <vector>

#include "core/data/batch.h"
#include "core/models/model.h"
#include "core/train/input_copies.h"
#include "embedding/lookup/deduplicator.h"
#include "embedding/lookup/row_lookup.h"
#include "embedding/lookup/tuple_deduplicator.h"
#include "ops/graph/executor.h"

namespace polyscene {

class StepInputs {
 public:
  // All must outlive this. With a device the executor's inputs are copies there.
  StepInputs(const Model& model, const FeatureSchema& schema, const TableLayout& layout, Device* device = nullptr);

  // Finds what is distinct in the batch. Local to the rank; the batch must live until the step is done.
  void prepare(const Batch& batch);

  // Points the executor's inputs at the prepared batch, at the rows that `lookup` fetched for keys(), and at `weight`,
  // the factor of the summed loss. Inputs that the executor does not need are bound all the same.
  void bind(Executor& executor, const RowLookup& lookup, double weight);

  [[nodiscard]] const UniqueKeys& keys() const { return keys_; }
  [[nodiscard]] int64_t behaviours() const { return behaviours_; }
  [[nodiscard]] int64_t distinct_behaviours() const { return distinct_behaviours_; }

 private:
  struct Sequence {
    TupleDeduplicator tuples;
    Buffer<int32_t> index, distinct_index;
    std::vector<Buffer<int64_t>> distinct_keys;  // per side
    int64_t distinct = 0;
  };
  struct Bag {
    Buffer<int32_t> index;
    Buffer<float> weights;
  };
  void prepare_sequence(size_t i, std::vector<KeyBlock>& blocks);
  void prepare_bag(size_t i, std::vector<KeyBlock>& blocks);

  const Model& model_;
  const FeatureSchema& schema_;
  const TableLayout& layout_;
  std::optional<InputCopies> copies_;
  Deduplicator deduplicator_;
  UniqueKeys keys_;
  const Batch* batch_ = nullptr;
  std::vector<Buffer<int32_t>> fields_;  // per FieldsInput [rows, fields]
  std::vector<Sequence> sequences_;      // per SequenceInput
  std::vector<Bag> bags_;                // per BagInput
  Buffer<float> labels_;
  float weight_ = 0;
  int64_t behaviours_ = 0, distinct_behaviours_ = 0;
};

}  // namespace polyscene
