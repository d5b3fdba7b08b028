// Rows of a model from its embedding stores, for a batch at a time.
#pragma once

#include <memory>
#include <vector>

#include "core/serve/embedding_store.h"
#include "embedding/keys/buffer.h"
#include "embedding/keys/row_lookup.h"

namespace polyscene {

class StoreLookup : public RowLookup {
 public:
  // stores: per table of the layout, of one rank; both must outlive this.
  StoreLookup(const TableLayout& layout, const std::vector<std::unique_ptr<EmbeddingStore>>& stores);

  // Only to evaluate: a key without a row reads as zeros. Throws InvalidArgument in training.
  void lookup(const UniqueKeys& unique, LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;
  void update(std::span<const TensorView> gradients, double learning_rate_factor) override;
  [[nodiscard]] LookupStatistics last() const override { return {}; }
  [[nodiscard]] LookupStatistics total() const override { return {}; }

 private:
  const TableLayout& layout_;
  const std::vector<std::unique_ptr<EmbeddingStore>>& stores_;
  std::vector<Buffer<float>> matrices_;  // per group
};

}  // namespace polyscene
