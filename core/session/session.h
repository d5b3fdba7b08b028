// A model with its state on one rank of a world: dense parameters (replicated), tables (sharded), optimisers, and the
// executors of its graph, on the host or on a device. Training, evaluation and prediction drive it batch by batch.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/scenario_names.h"
#include "core/features/batch.h"
#include "core/features/feature_schema.h"
#include "core/models/model.h"
#include "core/models/step_inputs.h"
#include "core/session/dense_update.h"
#include "core/session/model_state.h"
#include "core/session/parameter_store.h"
#include "core/session/stage_clock.h"
#include "core/session/tables.h"
#include "dist/communicator.h"
#include "dist/data_parallel/gradient_buckets.h"
#include "dist/data_parallel/side_queue.h"
#include "dist/world.h"
#include "embedding/keys/buffer.h"
#include "ops/graph/executor.h"

namespace polyscene {

struct SessionOptions {
  bool training = true;      // false: no gradients, no optimiser state, tables are never changed
  bool profile = false;      // per-operator times; a device is waited for at the end of every stage
  Device* device = nullptr;  // where the model runs, which must outlive the session; nullptr: the host
  DeviceTransport transport{};
};

class Session {
 public:
  // Collective only in what it calls later. Experiment, schema and communicator must outlive the session.
  Session(const config::Experiment& experiment, const FeatureSchema& schema, Communicator& communicator,
          SessionOptions options = {});

  // One optimiser step on this rank's slice of a global batch of `global_rows` samples (all ranks' real rows, > 0).
  // Collective. On a device it is queued. `prepared`: what make_inputs() of this session made of the batch; nullptr: is
  // done here. Throws Error naming tensor and rank when a gradient or the loss is not finite, of this step or of one up
  // to loss_lag() before.
  void train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor, StepInputs* prepared = nullptr);

  // This rank's losses, each the sum over its rows divided by global_rows, added over all steps up to `steps` ago since
  // the last call. Fewer than loss_lag() steps ago, 0 on the host, it waits for the device.
  [[nodiscard]] double take_losses(int64_t steps = 0);
  // Waits for all that was queued, and throws what a step found that the host was not told yet: before the model is
  // looked at.
  void settle();
  [[nodiscard]] int64_t loss_lag() const { return update_->lag(); }

  // Logits of this rank's rows [batch.rows]; valid until the next call. Collective (rows are fetched from owners).
  [[nodiscard]] std::span<const float> predict(const Batch& batch, StepInputs* prepared = nullptr);

  // For batches that are prepared elsewhere. The session must outlive them.
  [[nodiscard]] StepInputs make_inputs() const;

  [[nodiscard]] const config::Experiment& experiment() const { return experiment_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] ParameterStore& parameters() { return parameters_; }
  // Of a session that trains.
  [[nodiscard]] DenseUpdate& dense_update() { return *update_; }
  [[nodiscard]] RowTables& tables() { return *tables_.tables; }
  // What saving and loading take; valid as long as the session.
  [[nodiscard]] ModelState state() {
    return {experiment_, communicator_, parameters_, tables(), update_.get(), scenario_names_};
  }
  // Of the rows that were trained or predicted on this rank, and of the model that was loaded.
  [[nodiscard]] ScenarioNames& scenario_names() { return scenario_names_; }
  // How ranks exchange memory of devices; nullptr on the host.
  [[nodiscard]] const DeviceRanks* device_ranks() const {
    return options_.device == nullptr ? nullptr : &device_ranks_;
  }
  [[nodiscard]] Communicator& communicator() { return communicator_; }
  [[nodiscard]] Device* device() const { return options_.device; }
  // Of the last batch that was prepared here.
  [[nodiscard]] const StepInputs& inputs() const { return inputs_; }
  [[nodiscard]] const RowLookup& lookup() const { return *tables_.lookup; }
  [[nodiscard]] const Executor& executor() const { return *training_; }
  // Seconds per stage since construction or the last reset.
  [[nodiscard]] std::span<const double> stage_seconds() const { return stage_seconds_; }
  void reset_times();

 private:
  void build_training_executor();
  StepInputs& prepare(const Batch& batch, StepInputs* prepared);
  void sum_gradients_in_passing(std::span<const Value> gradients);

  const config::Experiment& experiment_;
  const FeatureSchema& schema_;
  Communicator& communicator_;
  SessionOptions options_;
  Model model_;
  ParameterStore parameters_;
  DeviceRanks device_ranks_;  // over memory of the device, where there is one
  // The same for gradients that are summed beside the backward pass, where that costs the host no wait.
  std::optional<SideQueue> side_;
  DeviceRanks side_ranks_;
  TablesAndLookup tables_;
  StepInputs inputs_;
  std::optional<InputCopies> copies_;  // on a device
  std::vector<Value> row_gradients_;   // per model_.rows
  std::unique_ptr<Executor> training_, forward_;
  std::unique_ptr<DenseUpdate> update_;
  GradientBuckets buckets_;
  ScenarioNames scenario_names_;
  Buffer<float> logits_;  // of predict() on a device
  std::array<double, kStageNames.size()> stage_seconds_{};
};

}  // namespace polyscene
