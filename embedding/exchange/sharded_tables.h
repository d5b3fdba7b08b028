// Tables in host memory: start here to read this folder. A training step:
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

#include "embedding/exchange/row_tables.h"
#include "embedding/table/hashed_table.h"

namespace polyscene::embedding {

class ShardedTables final : public RowTables {
 public:
  // No communication. The communicator must outlive the tables. Throws InvalidArgument on bad specs or options.
  ShardedTables(dist::Communicator& communicator, std::vector<TableSpec> specs, const ShardingOptions& options);

  // This rank's part of a table, by its index in the list of specs.
  [[nodiscard]] HashedTable& table(int index) { return tables_[index]; }
  [[nodiscard]] const HashedTable& table(int index) const { return tables_[index]; }

  [[nodiscard]] const TableSpec& spec(int index) const override { return table(index).spec(); }
  [[nodiscard]] int64_t rows(int index) override { return table(index).rows(); }
  [[nodiscard]] int64_t memory_bytes() const override;
  void expect_rows(int index, int64_t rows) override { table(index).expect_rows(rows); }
  void read_rows(int index, const RowsOut& out) override;
  [[nodiscard]] std::shared_ptr<TableSnapshot> snapshot(int index) override { return table(index).snapshot(); }

 private:
  void write_rows(int index, const RowsIn& rows) override;

  std::vector<HashedTable> tables_;
};

}  // namespace polyscene::embedding
