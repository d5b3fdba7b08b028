// A model's state on one rank: what saving, loading and warm start take, which need neither its graph nor an executor.
#pragma once

#include "core/config/experiment.pb.h"
#include "core/data/scenario_names.h"
#include "core/session/dense_update.h"
#include "core/session/parameter_store.h"
#include "dist/communicator.h"
#include "embedding/exchange/row_tables.h"

namespace polyscene {

// Borrows all of it, from a Session most of the time.
struct ModelState {
  const config::Experiment& experiment;  // that built it
  Communicator& communicator;            // of the ranks that share the tables, over memory of the host
  ParameterStore& parameters;            // dense, the same on every rank
  RowTables& tables;                     // this rank's rows
  DenseUpdate* dense_update;      // with the state of the dense optimiser; nullptr for a model that does not train
  ScenarioNames& scenario_names;  // that this rank knows
};

}  // namespace polyscene
