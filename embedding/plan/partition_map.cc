#include "embedding/plan/partition_map.h"

#include <xxhash.h>

#include "ops/base/error.h"

namespace polyscene::embedding {

uint64_t table_salt(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

PartitionMap::PartitionMap(int partitions, int ranks) : partitions_(partitions), ranks_(ranks) {
  require(ranks >= 1 && ranks <= partitions, "[embedding.plan] wanted between 1 and ", partitions,
          " ranks (the number of partitions), got ", ranks, "; try more partitions");
}

}  // namespace polyscene::embedding
