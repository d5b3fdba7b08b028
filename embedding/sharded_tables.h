// All embedding tables of a model, spread over the ranks of a communicator: the entry to this folder. A training step:
//
//   ShardedTables tables(communicator, specs, {.seed = 1});
//   Deduplicator deduplicator(tables.layout());
//   ShardedLookup lookup(tables);
//   UniqueKeys unique;
//   for each batch:
//     deduplicator.run(blocks, unique);                  // local; may run ahead on another thread
//     lookup.lookup(unique, LookupMode::kTrain);         // collective
//     model: rows = lookup.rows(group), gathered by the blocks' index; gradient of the same shape
//     lookup.update(gradients, schedule.factor(step));   // collective
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "embedding/plan/table_layout.h"
#include "embedding/table/hashed_table.h"

namespace polyscene {

struct ShardingOptions {
  uint64_t seed = 1;
  int partitions = 1024;  // logical partitions that keys hash to; at least the number of ranks
};

class ShardedTables {
 public:
  // No communication. The communicator must outlive the tables. Throws InvalidArgument on bad specs or options.
  ShardedTables(Communicator& communicator, std::vector<TableSpec> specs, const ShardingOptions& options);

  [[nodiscard]] Communicator& communicator() const { return *communicator_; }
  [[nodiscard]] const TableLayout& layout() const { return layout_; }
  [[nodiscard]] int tables() const { return layout_.tables(); }
  // This rank's part of a table, by its index among the specs.
  [[nodiscard]] HashedTable& table(int index) { return tables_[static_cast<size_t>(index)]; }
  [[nodiscard]] const HashedTable& table(int index) const { return tables_[static_cast<size_t>(index)]; }

  // Rows per table over all ranks [tables]. Collective.
  [[nodiscard]] std::vector<int64_t> global_rows() const;
  // Of all tables of this rank.
  [[nodiscard]] int64_t memory_bytes() const;

  // Updates done so far: the t of lazy Adam, the same on all ranks; saved and loaded with the rows.
  [[nodiscard]] int64_t update_steps() const { return update_steps_; }
  void set_update_steps(int64_t steps) { update_steps_ = steps; }

  // Loads rows saved by any number of ranks: keeps those this rank owns, drops the others, returns how many it kept.
  // Shapes and errors as HashedTable::write_rows.
  int64_t load_rows(int table, std::span<const int64_t> keys, std::span<const float> values,
                    std::span<const float> state);

 private:
  Communicator* communicator_;
  TableLayout layout_;
  std::vector<HashedTable> tables_;
  int64_t update_steps_ = 0;
};

}  // namespace polyscene
