#include "embedding/sharded_tables.h"

#include <utility>

namespace polyscene {

ShardedTables::ShardedTables(Communicator& communicator, std::vector<TableSpec> specs, const ShardingOptions& options)
    : RowTables(communicator, specs, options) {
  for (TableSpec& spec : specs) tables_.emplace_back(std::move(spec), options.seed);
}

int64_t ShardedTables::memory_bytes() const {
  int64_t bytes = 0;
  for (const HashedTable& table : tables_) bytes += table.memory_bytes();
  return bytes;
}

void ShardedTables::read_rows(int index, std::span<int64_t> keys, std::span<float> values, std::span<float> state) {
  table(index).read_rows(table(index).rows_by_key(), keys, values, state);
}

void ShardedTables::write_rows(int index, const SavedRows& rows) {
  table(index).write_rows(rows.keys, rows.values, rows.state);
}

}  // namespace polyscene
