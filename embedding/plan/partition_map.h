// The one routing function: hash(key, table) -> logical partition -> rank. Nothing else decides where a key lives.
// The partition of a key never changes; only the map from partitions to ranks follows the number of ranks.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/base/philox.h"

namespace polyscene::embedding {

// The salt of a table in every hash: XXH3 of its name.
[[nodiscard]] uint64_t table_salt(std::string_view name);

// The routing hash of a key. Its top bits choose the partition; hash tables of a rank must therefore mix it again.
[[nodiscard]] constexpr uint64_t key_hash(int64_t key, uint64_t salt) {
  return mix64(static_cast<uint64_t>(key) ^ salt);
}

// Maps balanced contiguous ranges of partitions to ranks. A value: a pure function of (partitions, ranks).
class PartitionMap {
 public:
  // Throws InvalidArgument unless 1 <= ranks <= partitions.
  PartitionMap(int partitions, int ranks);

  [[nodiscard]] int partitions() const { return partitions_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  // The partition, in [0, partitions), of a routing hash.
  [[nodiscard]] int partition(uint64_t hash) const {
    return static_cast<int>((static_cast<uint128>(hash) * static_cast<uint64_t>(partitions_)) >> 64);
  }
  // The rank that owns a partition. The ranks' numbers of partitions differ by at most one.
  [[nodiscard]] int owner(int partition) const { return static_cast<int>(int64_t{partition} * ranks_ / partitions_); }
  [[nodiscard]] int owner(int64_t key, uint64_t salt) const { return owner(partition(key_hash(key, salt))); }
  // The first partition of a rank; the end of all partitions for rank = ranks().
  [[nodiscard]] int first_partition(int rank) const {
    return static_cast<int>((int64_t{rank} * partitions_ + ranks_ - 1) / ranks_);
  }

  friend bool operator==(const PartitionMap&, const PartitionMap&) = default;

 private:
  int partitions_, ranks_;
};

}  // namespace polyscene::embedding
