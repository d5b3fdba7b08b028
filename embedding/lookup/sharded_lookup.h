// One batch through the tables: rows of its distinct keys to where they are needed, gradients back to their owners.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "embedding/lookup/deduplicator.h"
#include "embedding/sharded_tables.h"
#include "ops/tensor/tensor.h"

namespace polyscene {

enum class LookupMode : uint8_t {
  kTrain,  // an unseen key gets a row with its initial value
  kEval,   // an unseen key reads as zeros, the expectation of its initial value; no table changes
};

// Of this rank.
struct LookupStatistics {
  int64_t steps = 0;
  int64_t keys_in = 0;        // before deduplication
  int64_t keys_sent = 0;      // distinct on this rank, own ones included
  int64_t keys_received = 0;  // from all ranks, own ones included
  int64_t keys_owned = 0;     // distinct among the received
  int64_t rows_created = 0;
  int64_t bytes_sent = 0;  // to other ranks: keys, rows and gradients

  LookupStatistics& operator+=(const LookupStatistics& other);
};

// Holds buffers and the routes of the latest lookup. Every call is a collective of the tables' communicator: all ranks
// make the same calls in the same order, each with its own keys, which may be none.
class ShardedLookup {
 public:
  // The tables must outlive the lookup.
  explicit ShardedLookup(ShardedTables& tables);
  ~ShardedLookup();
  ShardedLookup(ShardedLookup&&) noexcept;

  // Fetches the rows of all distinct keys. `unique` comes from a Deduplicator of tables.layout() and must stay as it is
  // until update() or the next lookup.
  void lookup(const UniqueKeys& unique, LookupMode mode);

  // The rows of the latest lookup, [unique.rows(group), dim] float32; this object's memory, valid until the next
  // lookup. The caller may write to it.
  [[nodiscard]] TensorView rows(int group) const;

  // Sums the gradients of each row over all ranks, in rank order, and runs the table's optimiser once on each row.
  // gradients[group]: [unique.rows(group), dim] float32 of the latest lookup, which was a training one. The loss is the
  // sum of the ranks' contributions: a mean is taken over the global batch by the caller. Throws InvalidArgument on
  // wrong shapes or without such a lookup; Error naming table and key when a summed gradient is not finite, before any
  // row of this rank has changed.
  void update(std::span<const TensorView> gradients, double learning_rate_factor = 1);

  // Of the latest step (lookup and update), and of all since construction.
  [[nodiscard]] LookupStatistics last() const;
  [[nodiscard]] LookupStatistics total() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyscene
