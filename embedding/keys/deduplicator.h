// The distinct keys of a batch. Deduplication is pure computation on the caller's keys: it talks to no other rank and
// touches no table, so the keys of the next batch can be deduplicated on another thread while this one trains.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "embedding/keys/buffer.h"
#include "embedding/plan/table_layout.h"

namespace polyscene::embedding {

// The keys of one feature. Several blocks may name one table; a key then has one row for all of them.
struct KeyBlock {
  int table = 0;                  // index in the list of table specs
  std::span<const int64_t> keys;  // any values
  // index[i * stride] receives the row index of keys[i] in the matrix of its group ([unique.rows(group), dim]).
  std::span<int32_t> index;
  int64_t stride = 1;  // stride of `index`, in elements; >= 1
};

// The result of deduplication. The caller owns it and reuses it from batch to batch (its memory only grows). It is a
// pure function of the blocks and the layout: neither thread count nor earlier batches change it.
class UniqueKeys {
 public:
  // All distinct (table, key) pairs, ordered by owner, then table in wire order, then first appearance.
  [[nodiscard]] std::span<const int64_t> keys() const { return keys_.span(); }
  // The number of distinct keys that go to `owner`, from the table at this position of the wire order.
  [[nodiscard]] int64_t count(int owner, int wire_position) const { return counts_[owner * tables_ + wire_position]; }
  [[nodiscard]] std::span<const int64_t> counts() const { return counts_; }  // [ranks, tables]
  // The number of rows of a group's matrix. Its rows are in the order of keys(), without the keys of other groups.
  [[nodiscard]] int64_t rows(int group) const { return rows_[group]; }
  // The number of keys before deduplication.
  [[nodiscard]] int64_t keys_in() const { return keys_in_; }

 private:
  friend class Deduplicator;
  Buffer<int64_t> keys_;
  std::vector<int64_t> counts_, rows_;
  int tables_ = 0;
  int64_t keys_in_ = 0;
};

// Holds the scratch memory. One object serves one thread at a time and itself computes on thread_count() threads.
class Deduplicator {
 public:
  explicit Deduplicator(TableLayout layout);
  ~Deduplicator();
  Deduplicator(Deduplicator&&) noexcept;

  // Fills `unique` and every block's index. Throws InvalidArgument on an unknown table, a short index, a stride below 1
  // or more than 2^31 - 1 keys.
  void run(std::span<const KeyBlock> blocks, UniqueKeys& unique);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace polyscene::embedding
