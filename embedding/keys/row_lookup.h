// The lookup of one batch in the tables, on the host or on a device: fetches the rows of its distinct keys from their
// owners and sends the gradients back to the owners.
#pragma once

#include <cstdint>
#include <span>

#include "embedding/keys/deduplicator.h"
#include "ops/tensor/tensor.h"

namespace polyscene::embedding {

enum class LookupMode : uint8_t {
  kTrain,  // an unseen key gets a row with its initial value
  kEval,   // an unseen key reads as zeros, the expectation of its initial value; no table changes
};

// Counts of this rank.
struct LookupStatistics {
  int64_t steps = 0;
  int64_t keys_in = 0;        // keys before deduplication
  int64_t keys_sent = 0;      // distinct keys of this rank, those that it owns included
  int64_t keys_received = 0;  // keys from all ranks, this one included
  int64_t keys_owned = 0;     // distinct keys among those received
  int64_t rows_created = 0;
  int64_t rows_evicted = 0;  // rows evicted for new ones, in bounded tables
  int64_t bytes_sent = 0;    // keys, rows and gradients sent to other ranks

  LookupStatistics& operator+=(const LookupStatistics& other);
};

// Every call is collective: all ranks make the same calls in the same order, each with its own keys (possibly none).
class RowLookup {
 public:
  virtual ~RowLookup() = default;

  // Fetches the rows of all distinct keys. `unique` comes from a Deduplicator with the layout of the tables, and must
  // not change until update() or the next lookup.
  virtual void lookup(const UniqueKeys& unique, LookupMode mode) = 0;

  // The rows of the latest lookup, [unique.rows(group), dim] float32, in memory of this object on the host or device
  // that the model runs on; valid until the next lookup. The caller may write to them. On a device the memory extends
  // to padded_extent(rows), and its address stays the same until a lookup needs more.
  [[nodiscard]] virtual TensorView rows(int group) const = 0;

  // Sums the gradients of each row over all ranks, in rank order, and runs the table's optimiser once on each row.
  // gradients[group]: [unique.rows(group), dim] float32, in the same memory (host or device) as rows(); the latest
  // lookup must have been in LookupMode::kTrain. The loss is the sum over the ranks: a caller that wants the mean
  // divides by the global batch. Throws InvalidArgument on wrong shapes or if there was no such lookup; throws Error
  // naming table and key if a summed gradient is not finite, before any row of this rank has changed.
  virtual void update(std::span<const TensorView> gradients, double learning_rate_factor) = 0;

  // From now on, update() changes nothing if *stopped is not 0. `stopped` is device memory if rows() are on a device.
  virtual void stop_where(const int32_t* /*stopped*/) {}

  // Waits for updates that run on a device, and throws the errors that they found.
  virtual void check() {}

  // Counts of the latest step (lookup and update), and of all steps since construction.
  [[nodiscard]] virtual LookupStatistics last() const = 0;
  [[nodiscard]] virtual LookupStatistics total() const = 0;
};

}  // namespace polyscene::embedding
