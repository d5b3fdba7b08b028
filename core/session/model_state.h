// A model's state on one rank, as saving, loading and warm start need it: without graph or executor.
#pragma once

#include "core/config/experiment.pb.h"
#include "core/data/scenario_names.h"
#include "core/session/dense_update.h"
#include "core/session/parameter_store.h"
#include "dist/communicator.h"
#include "embedding/exchange/row_tables.h"

namespace polyscene::core {

// References only; the owner is usually a Session.
struct ModelState {
  const config::Experiment& experiment;  // that the model was built from
  dist::Communicator& communicator;      // of the ranks that share the tables, for host memory
  ParameterStore& parameters;            // dense parameters, the same on every rank
  embedding::RowTables& tables;          // this rank's rows
  DenseUpdate* dense_update;             // holds the dense optimiser's state; nullptr if the model is not trained
  ScenarioNames& scenario_names;         // the names that this rank knows
};

}  // namespace polyscene::core
