#include "core/session/tables.h"

#include "core/config/translate.h"
#include "embedding/device/device_lookup.h"
#include "embedding/exchange/sharded_lookup.h"
#include "embedding/exchange/staged_lookup.h"

namespace polyscene::core {
namespace {

embedding::ShardingOptions sharding(const config::Experiment& experiment, int ranks) {
  const int partitions = experiment.embedding().partitions();
  require(ranks <= partitions, "[config] embedding.partitions wants at least 1 for each of ", ranks, " ranks, got ",
          partitions, "; try a larger embedding.partitions");
  return {.seed = experiment.seed(), .partitions = partitions};
}

}  // namespace

std::vector<embedding::TableSpec> table_specs(const Model& model, const config::Embedding& embedding, bool training) {
  std::vector<embedding::TableSpec> specs;
  for (const TableUse& use : model.tables) {
    embedding::TableSpec& spec =
        specs.emplace_back(embedding::TableSpec{.name = use.name,
                                                .dim = use.dim,
                                                .init_stddev = use.init_stddev,
                                                .optimizer = to_sparse_optimizer(embedding.optimizer())});
    for (const config::Table& t : embedding.table()) {
      if (t.name() != use.name) continue;
      if (t.has_optimizer()) spec.optimizer = to_sparse_optimizer(t.optimizer());
      spec.max_rows = t.max_rows();
    }
    if (!training) spec.optimizer.kind = embedding::SparseOptimizer::Kind::kSgd;  // the optimiser without state
  }
  return specs;
}

TablesAndLookup make_host_tables(const config::Experiment& experiment, const Model& model, bool training,
                                 dist::Communicator& communicator) {
  auto tables = std::make_unique<embedding::ShardedTables>(
      communicator, table_specs(model, experiment.embedding(), training), sharding(experiment, communicator.size()));
  auto lookup = std::make_unique<embedding::ShardedLookup>(*tables);
  return {std::move(tables), std::move(lookup)};
}

TablesAndLookup make_device_tables(const config::Experiment& experiment, const Model& model, bool training,
                                   const embedding::DeviceCommunicators& communicators, Device& device) {
  const std::vector<embedding::TableSpec> specs = table_specs(model, experiment.embedding(), training);
  const embedding::ShardingOptions options = sharding(experiment, communicators.host.size());
  if (experiment.embedding().memory() == config::Embedding::HOST) {
    auto tables = std::make_unique<embedding::ShardedTables>(communicators.host, specs, options);
    auto lookup = std::make_unique<embedding::StagedLookup>(*tables, device);
    return {std::move(tables), std::move(lookup)};
  }
  auto tables = std::make_unique<embedding::DeviceTables>(device, communicators, specs, options);
  auto lookup = std::make_unique<embedding::DeviceLookup>(*tables);
  return {std::move(tables), std::move(lookup)};
}

}  // namespace polyscene::core
