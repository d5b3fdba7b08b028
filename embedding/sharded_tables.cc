#include "embedding/sharded_tables.h"

#include <utility>

#include "ops/base/error.h"

namespace polyscene {
namespace {

void append(std::vector<float>& to, std::span<const float> rows, size_t row, int64_t width) {
  if (rows.empty()) return;
  const auto from = rows.begin() + static_cast<std::ptrdiff_t>(row) * width;
  to.insert(to.end(), from, from + width);
}

}  // namespace

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
  destination.check_lengths(keys, values, state);
  std::vector<int64_t> own_keys;
  std::vector<float> own_values, own_state;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (layout_.owner(index, keys[i]) != communicator_->rank()) continue;
    own_keys.push_back(keys[i]);
    append(own_values, values, i, destination.spec().dim);
    append(own_state, state, i, destination.state_width());
  }
  destination.write_rows(own_keys, own_values, own_state);
  return static_cast<int64_t>(own_keys.size());
}

}  // namespace polyscene
