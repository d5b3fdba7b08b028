// The lookup in tables in host memory.
#pragma once

#include <memory>

#include "embedding/exchange/sharded_tables.h"
#include "embedding/keys/row_lookup.h"

namespace polyscene::embedding {

// Holds buffers and the routes of the latest lookup. Collective over the tables' communicator; rows() are in host
// memory.
class ShardedLookup : public RowLookup {
 public:
  // The tables must outlive the lookup.
  explicit ShardedLookup(ShardedTables& tables);
  ~ShardedLookup() override;
  ShardedLookup(ShardedLookup&&) noexcept;

  void lookup(const UniqueKeys& unique, LookupMode mode) override;
  [[nodiscard]] TensorView rows(int group) const override;
  void update(std::span<const TensorView> gradients, double learning_rate_factor = 1) override;
  [[nodiscard]] LookupStatistics last() const override;
  [[nodiscard]] LookupStatistics total() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene::embedding
