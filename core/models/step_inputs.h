// Turns a batch of keys into the inputs of a model's graph: distinct behaviours, distinct keys, rows of the tables, and
// for every feature the index of its row.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/features/batch.h"
#include "core/models/model.h"
#include "embedding/keys/deduplicator.h"
#include "embedding/keys/row_lookup.h"
#include "embedding/keys/tuple_deduplicator.h"
#include "ops/graph/executor.h"
#include "ops/tensor/padding.h"

namespace polyscene::core {

class StepInputs {
 public:
  // All arguments must outlive this object. Batches of up to `pad_up_to` rows are padded with rows that are not
  // samples, so that only few different extents occur. The label of a padding row is -1, and the padding behaviours and
  // ids belong to padding rows only, so nothing gets a gradient from them.
  StepInputs(const Model& model, const FeatureSchema& schema, const embedding::TableLayout& layout,
             int64_t pad_up_to = 0);

  // Deduplicates the batch's keys and behaviours. This is local to the rank, so another thread may prepare the next
  // batch while this one is trained on. The batch must live until the step is done. A batch without labels can only be
  // scored.
  void prepare(const Batch& batch);
  // Whether the prepared batch is padded. The real rows come first.
  [[nodiscard]] bool padded() const { return padded_; }

  // Returns the memory to bind an input to, for one in host memory: its own, or that of a copy.
  using Placing = std::function<TensorView(const TensorView& host)>;
  // Binds the executor's inputs to the prepared batch, to the rows that `lookup` fetched for keys(), and to `weight`,
  // the factor of the summed loss. Inputs that the executor does not need are bound too. `place` is called for all
  // inputs but the rows, in the same order every time; without it they are used in place.
  void bind(Executor& executor, const embedding::RowLookup& lookup, double weight, const Placing& place);
  void bind(Executor& executor, const embedding::RowLookup& lookup, double weight) {
    bind(executor, lookup, weight, [](const TensorView& host) { return host; });
  }

  [[nodiscard]] const embedding::UniqueKeys& keys() const { return keys_; }
  // The groups of tables [Model::rows] whose rows the row inputs are. A group has one dim, as a row input has.
  [[nodiscard]] std::span<const int> row_groups() const { return row_groups_; }
  [[nodiscard]] int64_t behaviours() const { return behaviours_; }
  [[nodiscard]] int64_t distinct_behaviours() const { return distinct_behaviours_; }

 private:
  struct Sequence {
    embedding::TupleDeduplicator tuples;
    embedding::Buffer<int32_t> index, distinct_index;
    std::vector<embedding::Buffer<int64_t>> distinct_keys;  // per side
    embedding::Buffer<int32_t> offsets;                     // used if the batch is padded
  };
  struct Bag {
    embedding::Buffer<int32_t> index;
    embedding::Buffer<float> weights;
    embedding::Buffer<int32_t> offsets;  // used if the batch is padded
  };
  void prepare_sequence(size_t i, std::vector<embedding::KeyBlock>& blocks);
  void prepare_bag(size_t i, std::vector<embedding::KeyBlock>& blocks);
  // `extent` of the batch, padded if the batch is padded.
  [[nodiscard]] int64_t pad(int64_t extent) const { return padded_ ? padded_extent(extent) : extent; }
  // The batch's offsets; if the batch is padded, `room` filled with them and with the offsets of the padding rows.
  [[nodiscard]] TensorView offsets(const std::vector<int32_t>& real, int64_t extent,
                                   embedding::Buffer<int32_t>& room) const;

  const Model& model_;
  const FeatureSchema& schema_;
  const embedding::TableLayout& layout_;
  std::vector<int> row_groups_;  // per RowsInput
  embedding::Deduplicator deduplicator_;
  embedding::UniqueKeys keys_;
  const Batch* batch_ = nullptr;
  int64_t pad_up_to_, rows_ = 0;  // rows_: rows of the batch, including padding
  bool padded_ = false;
  std::vector<embedding::Buffer<int32_t>> fields_;  // per FieldsInput [rows, fields]
  std::vector<Sequence> sequences_;                 // per SequenceInput
  std::vector<Bag> bags_;                           // per BagInput
  embedding::Buffer<float> labels_, numbers_;
  float weight_ = 0;
  int64_t behaviours_ = 0, distinct_behaviours_ = 0;
};

}  // namespace polyscene::core
