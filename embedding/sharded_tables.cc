#include "embedding/sharded_tables.h"

#include <utility>

#include "embedding/table/saved_rows.h"

namespace polyscene {

ShardedTables::ShardedTables(Communicator& communicator, std::vector<TableSpec> specs, const ShardingOptions& options)
    : communicator_(&communicator), layout_(specs, PartitionMap(options.partitions, communicator.size())) {
  for (TableSpec& spec : specs) tables_.emplace_back(std::move(spec), options.seed);
}

std::vector<int64_t> ShardedTables::global_rows() const {
  std::vector<int64_t> rows;
  for (const HashedTable& table : tables_) rows.push_back(table.rows());
  communicator_->all_reduce(std::span(rows));
  return rows;
}

int64_t ShardedTables::memory_bytes() const {
  int64_t bytes = 0;
  for (const HashedTable& table : tables_) bytes += table.memory_bytes();
  return bytes;
}

int64_t ShardedTables::load_rows(int index, std::span<const int64_t> keys, std::span<const float> values,
                                 std::span<const float> state) {
  HashedTable& destination = table(index);
  const SavedRows own = rows_of_rank(layout_, index, communicator_->rank(), destination.spec(), keys, values, state);
  destination.write_rows(own.keys, own.values, own.state);
  return static_cast<int64_t>(own.keys.size());
}

}  // namespace polyscene
