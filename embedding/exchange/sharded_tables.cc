#include "embedding/exchange/sharded_tables.h"

#include <utility>

namespace polyscene::embedding {

ShardedTables::ShardedTables(dist::Communicator& communicator, std::vector<TableSpec> specs,
                             const ShardingOptions& options)
    : RowTables(communicator, specs, options) {
  const TableShare share{.map = layout().map(), .rank = communicator.rank()};
  for (TableSpec& spec : specs) tables_.emplace_back(std::move(spec), options.seed, share);
}

int64_t ShardedTables::memory_bytes() const {
  int64_t bytes = 0;
  for (const HashedTable& table : tables_) bytes += table.memory_bytes();
  return bytes;
}

void ShardedTables::read_rows(int index, const RowsOut& out) {
  table(index).read_rows(table(index).rows_by_key(), out);
}

void ShardedTables::write_rows(int index, const RowsIn& rows) { table(index).write_rows(rows); }

}  // namespace polyscene::embedding
