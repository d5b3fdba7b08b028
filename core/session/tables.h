// The tables of a model where its rows are to be: in memory of the host or of the device that the model runs on.
#pragma once

#include <memory>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/models/model.h"
#include "embedding/exchange/row_tables.h"
#include "embedding/keys/row_lookup.h"
#include "ops/device/device.h"

namespace polyscene {

// Rows, and what brings those of a batch to the model.
struct TablesAndLookup {
  std::unique_ptr<RowTables> tables;
  std::unique_ptr<RowLookup> lookup;
};

// What the configuration says of each table of a model.
[[nodiscard]] std::vector<TableSpec> table_specs(const Model& model, const config::Embedding& embedding, bool training);

// Without `training`, tables have no optimiser state. device, device_ranks: nullptr on the host; the latter is the
// ranks of `communicator` over memory of the device. All must outlive the tables.
[[nodiscard]] TablesAndLookup make_tables(const config::Experiment& experiment, const Model& model, bool training,
                                          Communicator& communicator, Device* device, Communicator* device_ranks);

}  // namespace polyscene
