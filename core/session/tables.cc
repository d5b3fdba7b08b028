#include "core/session/tables.h"

#include "core/config/translate.h"
#include "embedding/device/device_lookup.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/exchange/staged_lookup.h"

namespace polyscene {

std::vector<TableSpec> table_specs(const Model& model, const config::Embedding& embedding, bool training) {
  std::vector<TableSpec> specs;
  for (const TableUse& use : model.tables) {
    TableSpec& spec = specs.emplace_back(TableSpec{.name = use.name,
                                                   .dim = use.dim,
                                                   .init_stddev = use.init_stddev,
                                                   .optimizer = to_sparse_optimizer(embedding.optimizer())});
    for (const config::Table& t : embedding.table()) {
      if (t.name() != use.name) continue;
      if (t.has_optimizer()) spec.optimizer = to_sparse_optimizer(t.optimizer());
      spec.max_rows = t.max_rows();
    }
    if (!training) spec.optimizer.kind = SparseOptimizer::Kind::kSgd;  // the optimiser without state
  }
  return specs;
}

TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model, bool training,
                            Communicator& communicator, Device* device, Communicator* device_ranks) {
  const ShardingOptions options{.seed = experiment.seed(), .partitions = experiment.embedding().partitions()};
  if (device != nullptr && experiment.embedding().memory() == config::Embedding::DEVICE) {
    auto tables =
        std::make_unique<DeviceTables>(*device, DeviceCommunicators{.host = communicator, .device = *device_ranks},
                                       table_specs(model, experiment.embedding(), training), options);
    auto lookup = std::make_unique<DeviceLookup>(*tables);
    return {std::move(tables), std::move(lookup)};
  }
  auto tables =
      std::make_unique<ShardedTables>(communicator, table_specs(model, experiment.embedding(), training), options);
  std::unique_ptr<RowLookup> lookup;
  if (device == nullptr)
    lookup = std::make_unique<ShardedLookup>(*tables);
  else
    lookup = std::make_unique<StagedLookup>(*tables, *device);
  return {std::move(tables), std::move(lookup)};
}

}  // namespace polyscene
