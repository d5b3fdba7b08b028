// The distinct keys of a batch. Pure computation on the caller's keys: it talks to no other rank and touches no table,
// so the keys of the next batch can be deduplicated on another thread while this one trains.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "embedding/keys/buffer.h"
#include "embedding/plan/table_layout.h"

namespace polyscene {

// Keys of one feature. Several blocks may name one table; a key then has one row for all of them.
struct KeyBlock {
  int table = 0;                  // index among the table specs
  std::span<const int64_t> keys;  // any values
  // index[i * stride] receives the number of keys[i]'s row in the matrix of its group ([unique.rows(group), dim]).
  std::span<int32_t> index;
  int64_t stride = 1;  // of index, in elements; >= 1
};

// What deduplication found; owned by the caller and reused from batch to batch (its memory only grows).
// A pure function of the blocks and the layout: neither threads nor earlier batches change it.
class UniqueKeys {
 public:
  // All distinct (table, key) pairs, ordered by owner, then table in wire order, then first appearance.
  [[nodiscard]] std::span<const int64_t> keys() const { return keys_.span(); }
  // How many of them go to `owner` from the table at a position of the wire order.
  [[nodiscard]] int64_t count(int owner, int wire_position) const {
    return counts_[static_cast<size_t>(owner * tables_ + wire_position)];
  }
  [[nodiscard]] std::span<const int64_t> counts() const { return counts_; }  // [ranks, tables]
  // Rows of a group's matrix, whose order is that of keys() with the other groups' keys left out.
  [[nodiscard]] int64_t rows(int group) const { return rows_[static_cast<size_t>(group)]; }
  // Keys before deduplication.
  [[nodiscard]] int64_t keys_in() const { return keys_in_; }

 private:
  friend class Deduplicator;
  Buffer<int64_t> keys_;
  std::vector<int64_t> counts_, rows_;
  int tables_ = 0;
  int64_t keys_in_ = 0;
};

// Holds the scratch memory; one object serves one thread at a time and uses thread_count() threads itself.
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

}  // namespace polyscene
