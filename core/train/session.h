// A model with its state on one rank of a world: dense parameters (replicated), tables (sharded), optimisers, and the
// executors of its graph. Training, evaluation and prediction drive it batch by batch.
#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/data/batch.h"
#include "core/data/feature_schema.h"
#include "core/models/model.h"
#include "core/train/parameter_store.h"
#include "core/train/step_inputs.h"
#include "dist/communicator.h"
#include "dist/data_parallel/gradient_buckets.h"
#include "embedding/sharded_tables.h"
#include "ops/graph/executor.h"
#include "ops/optim/dense_optimizer.h"

namespace polyscene {

// Where the time of a training step goes.
enum class Stage : uint8_t { kDedup, kLookup, kDense, kAllReduce, kDenseUpdate, kSparseUpdate };
inline constexpr std::array<std::string_view, 6> kStageNames = {"dedup",      "lookup",       "dense fwd+bwd",
                                                                "all-reduce", "dense update", "sparse update"};

struct SessionOptions {
  bool training = true;  // false: no gradients, no optimiser state, tables are never changed
  bool profile = false;  // per-operator times
};

class Session {
 public:
  // Collective only in what it calls later. Experiment, schema and communicator must outlive the session.
  Session(const config::Experiment& experiment, const FeatureSchema& schema, Communicator& communicator,
          SessionOptions options = {});

  // One optimiser step on this rank's slice of a global batch of `global_rows` samples (all ranks' real rows, > 0).
  // Returns this rank's sum of losses over its rows divided by global_rows. Collective.
  // Throws Error naming tensor and rank when a gradient or the loss is not finite.
  double train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor);

  // Logits of this rank's rows [batch.rows]; valid until the next call. Collective (rows are fetched from owners).
  [[nodiscard]] std::span<const float> predict(const Batch& batch);

  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] ParameterStore& parameters() { return parameters_; }
  [[nodiscard]] ShardedTables& tables() { return tables_; }
  [[nodiscard]] Communicator& communicator() { return communicator_; }
  [[nodiscard]] const StepInputs& inputs() const { return inputs_; }
  [[nodiscard]] const ShardedLookup& lookup() const { return lookup_; }
  [[nodiscard]] const Executor& executor() const { return *training_; }
  // Seconds per stage since construction or the last reset.
  [[nodiscard]] std::span<const double> stage_seconds() const { return stage_seconds_; }
  void reset_times();

 private:
  void build_training_executor();
  void check_gradients(double loss, double norm) const;

  const config::Experiment& experiment_;
  const FeatureSchema& schema_;
  Communicator& communicator_;
  SessionOptions options_;
  Model model_;
  ParameterStore parameters_;
  ShardedTables tables_;
  ShardedLookup lookup_;
  StepInputs inputs_;
  std::vector<Value> row_gradients_;  // per model_.rows
  std::unique_ptr<Executor> training_, forward_;
  std::unique_ptr<DenseOptimizer> optimizer_;
  GradientBuckets buckets_;
  std::array<double, kStageNames.size()> stage_seconds_{};
};

}  // namespace polyscene
