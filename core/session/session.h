// A model with its state on one rank: dense parameters (replicated), tables (sharded), optimisers, and the executors of
// its graph, on the host or on a device (backend.h). Training, evaluation and prediction drive it batch by batch.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/scenario_names.h"
#include "core/features/batch.h"
#include "core/features/feature_schema.h"
#include "core/models/model.h"
#include "core/models/step_inputs.h"
#include "core/session/backend.h"
#include "core/session/dense_update.h"
#include "core/session/model_state.h"
#include "core/session/parameter_store.h"
#include "core/session/stage_clock.h"
#include "core/session/tables.h"
#include "dist/communicator.h"
#include "dist/rank.h"
#include "ops/graph/executor.h"

namespace polyscene::core {

struct SessionOptions {
  bool training = true;  // false: no gradients, no optimiser state; tables never change
  bool profile = false;  // measures time per operator, and waits for all queued work after every stage
};

class Session {
 public:
  // Experiment and schema, and what the rank refers to, must outlive the session.
  Session(const config::Experiment& experiment, const FeatureSchema& schema, const dist::Rank& rank,
          SessionOptions options = {});

  // Collective. Makes one optimiser step on this rank's slice of a global batch of `global_rows` samples (real rows of
  // all ranks, > 0). On a device the step is queued. `prepared`: from make_inputs() of this session, after
  // StepInputs::prepare(batch); nullptr: the batch is prepared here. Throws Error naming tensor and rank when a
  // gradient or the loss of this step, or of one up to loss_lag() steps before, is not finite.
  void train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor, StepInputs* prepared = nullptr);

  // Sum of this rank's losses since the last call, without those of the newest `steps` steps. The loss of a step is the
  // sum over this rank's rows, divided by global_rows. Waits for the device when steps < loss_lag().
  [[nodiscard]] double take_losses(int64_t steps = 0);
  // Waits for all queued steps, and throws the errors that they have not reported yet. To be called before parameters
  // or tables are read.
  void settle();
  [[nodiscard]] int64_t loss_lag() const { return update_->lag(); }

  // Collective (rows are fetched from their owners). Logits of this rank's rows, [batch.rows], valid until the next
  // call.
  [[nodiscard]] std::span<const float> predict(const Batch& batch, StepInputs* prepared = nullptr);

  // Inputs for batches that other threads prepare, and the number of threads that is best for it, perhaps none. The
  // session must outlive the inputs.
  [[nodiscard]] StepInputs make_inputs() const;
  [[nodiscard]] int preparing_threads() const { return backend_->preparing_threads(); }

  [[nodiscard]] const config::Experiment& experiment() const { return experiment_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] ParameterStore& parameters() { return backend_->parameters(); }
  // Only of a session that trains.
  [[nodiscard]] DenseUpdate& dense_update() { return *update_; }
  [[nodiscard]] embedding::RowTables& tables() { return *tables_.tables; }
  // References for saving and loading, valid as long as the session.
  [[nodiscard]] ModelState state() {
    return {experiment_, communicator_, parameters(), tables(), update_.get(), scenario_names_};
  }
  // Names in the rows that were trained or predicted on this rank, and in the model that was loaded.
  [[nodiscard]] ScenarioNames& scenario_names() { return scenario_names_; }
  [[nodiscard]] dist::Communicator& communicator() { return communicator_; }
  // The device that the model runs on, with its memory and waits so far, as the run reports it.
  [[nodiscard]] DeviceReport device_report() const { return backend_->report(); }
  // The last batch that this session prepared itself.
  [[nodiscard]] const StepInputs& inputs() const { return inputs_; }
  [[nodiscard]] const embedding::RowLookup& lookup() const { return *tables_.lookup; }
  [[nodiscard]] const Executor& executor() const { return *training_; }
  // Seconds of each stage since construction or the last reset_times().
  [[nodiscard]] std::span<const double> stage_seconds() const { return stage_seconds_; }
  void reset_times();

 private:
  void build_training_executor();
  StepInputs& prepare(const Batch& batch, StepInputs* prepared);

  const config::Experiment& experiment_;
  const FeatureSchema& schema_;
  dist::Communicator& communicator_;
  SessionOptions options_;
  Model model_;
  std::unique_ptr<Backend> backend_;
  TablesAndLookup tables_;
  StepInputs inputs_;
  std::vector<Value> row_gradients_;  // one for each of model_.rows
  std::unique_ptr<Executor> training_, forward_;
  std::unique_ptr<DenseUpdate> update_;
  ScenarioNames scenario_names_;
  std::array<double, kStageNames.size()> stage_seconds_{};
};

}  // namespace polyscene::core
