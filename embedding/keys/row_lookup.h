// One batch through the tables, wherever they are: rows of its distinct keys to where they are needed, gradients back
// to their owners.
#pragma once

#include <cstdint>
#include <span>

#include "embedding/keys/deduplicator.h"
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
  int64_t rows_lost = 0;   // to new ones, in tables with a bound
  int64_t bytes_sent = 0;  // to other ranks: keys, rows and gradients

  LookupStatistics& operator+=(const LookupStatistics& other);
};

// Every call is a collective: all ranks make the same calls in the same order, each with its own keys, which may be
// none.
class RowLookup {
 public:
  virtual ~RowLookup() = default;

  // Fetches the rows of all distinct keys. `unique` comes from a Deduplicator of the tables' layout and must stay as it
  // is until update() or the next lookup.
  virtual void lookup(const UniqueKeys& unique, LookupMode mode) = 0;

  // The rows of the latest lookup, [unique.rows(group), dim] float32, in this object's memory, of the host or the
  // device that the model runs on; valid until the next lookup. The caller may write to it. On a device the memory goes
  // on to padded_extent(rows), and stays where it is until more are wanted.
  [[nodiscard]] virtual TensorView rows(int group) const = 0;

  // Sums the gradients of each row over all ranks, in rank order, and runs the table's optimiser once on each row.
  // gradients[group]: [unique.rows(group), dim] float32 of the latest lookup, which was a training one, where rows()
  // are. The loss is the sum of the ranks' contributions: a mean is taken over the global batch by the caller. Throws
  // InvalidArgument on wrong shapes or without such a lookup; Error naming table and key when a summed gradient is not
  // finite, before any row of this rank has changed.
  virtual void update(std::span<const TensorView> gradients, double learning_rate_factor) = 0;

  // From now on updates change nothing where *stopped is not 0: memory of the device where rows() are on one.
  virtual void stop_where(const int32_t* /*stopped*/) {}

  // Throws what an update found that only a device knew until now; waits for it.
  virtual void check() {}

  // Of the latest step (lookup and update), and of all since construction.
  [[nodiscard]] virtual LookupStatistics last() const = 0;
  [[nodiscard]] virtual LookupStatistics total() const = 0;
};

}  // namespace polyscene
