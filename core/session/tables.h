// Creates the tables of a model, in host memory or in memory of the device that the model runs on.
#pragma once

#include <memory>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/models/model.h"
#include "embedding/device/device_tables.h"
#include "embedding/exchange/row_tables.h"
#include "embedding/keys/row_lookup.h"
#include "ops/device/device.h"

namespace polyscene::core {

// `tables` holds the rows of this rank; `lookup` fetches the rows of a batch.
struct TablesAndLookup {
  std::unique_ptr<embedding::RowTables> tables;
  std::unique_ptr<embedding::RowLookup> lookup;
};

// The specification of each table of a model, from the configuration.
[[nodiscard]] std::vector<embedding::TableSpec> table_specs(const Model& model, const config::Embedding& embedding,
                                                            bool training);

// For a model that runs on the host, or on a device. Without `training`, tables have no optimiser state. Communicators
// and device must outlive the tables. Throws InvalidArgument when there are fewer partitions than ranks.
[[nodiscard]] TablesAndLookup make_host_tables(const config::Experiment& experiment, const Model& model, bool training,
                                               dist::Communicator& communicator);
[[nodiscard]] TablesAndLookup make_device_tables(const config::Experiment& experiment, const Model& model,
                                                 bool training, const embedding::DeviceCommunicators& communicators,
                                                 Device& device);

}  // namespace polyscene::core
