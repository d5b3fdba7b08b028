// Creates the tables of a model, in host memory or in memory of the device that the model runs on.
#pragma once

#include <memory>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/models/model.h"
#include "embedding/exchange/row_tables.h"
#include "embedding/keys/row_lookup.h"
#include "ops/device/device.h"

namespace polyscene {

// `tables` holds the rows of this rank; `lookup` fetches the rows of a batch.
struct TablesAndLookup {
  std::unique_ptr<RowTables> tables;
  std::unique_ptr<RowLookup> lookup;
};

// The specification of each table of a model, from the configuration.
[[nodiscard]] std::vector<TableSpec> table_specs(const Model& model, const config::Embedding& embedding, bool training);

// Without `training`, tables have no optimiser state. `device` and `device_ranks` are nullptr on the host;
// `device_ranks` are the ranks of `communicator` for device memory. All references must outlive the tables.
[[nodiscard]] TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model, bool training,
                                          Communicator& communicator, Device* device, Communicator* device_ranks);

}  // namespace polyscene
