// Looks up the rows of a batch in embedding stores.
#pragma once

#include <memory>
#include <vector>

#include "core/serve/embedding_store.h"
#include "embedding/keys/buffer.h"
#include "embedding/keys/row_lookup.h"

namespace polyscene::core {

class StoreLookup : public embedding::RowLookup {
 public:
  // `stores`: one for each table of the layout, which has one rank. Both must outlive this object.
  StoreLookup(const embedding::TableLayout& layout, const std::vector<std::unique_ptr<EmbeddingStore>>& stores);

  // A key without a row reads as zeros. Throws InvalidArgument for any mode but kEval.
  void lookup(const embedding::UniqueKeys& unique, embedding::LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;
  void update(std::span<const TensorView> gradients, double learning_rate_factor) override;
  [[nodiscard]] embedding::LookupStatistics last() const override { return {}; }
  [[nodiscard]] embedding::LookupStatistics total() const override { return {}; }

 private:
  const embedding::TableLayout& layout_;
  const std::vector<std::unique_ptr<EmbeddingStore>>& stores_;
  std::vector<embedding::Buffer<float>> matrices_;  // one for each group
};

}  // namespace polyscene::core
