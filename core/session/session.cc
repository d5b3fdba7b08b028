#include "core/session/session.h"

#include <algorithm>
#include <set>

#include "core/config/translate.h"
#include "core/session/stage_clock.h"
#include "dist/place.h"
#include "ops/autodiff.h"
#include "ops/dense/scale.h"

namespace polyscene::core {
namespace {

TensorView real_rows(const TensorView& padded, int64_t rows) {
  return {padded.data, padded.dtype, {rows, padded.shape[1]}};
}

}  // namespace

Session::Session(const config::Experiment& experiment, const FeatureSchema& schema, const dist::Rank& rank,
                 SessionOptions options)
    : experiment_(experiment),
      schema_(schema),
      communicator_(rank.communicator),
      options_(options),
      model_(build_model(experiment, schema)),
      backend_(make_backend(rank, *model_.graph, experiment.seed())),
      tables_(backend_->make_tables(experiment, model_, options.training)),
      inputs_(make_inputs()) {
  if (options_.training) {
    build_training_executor();
    update_ = backend_->make_update(experiment.train());
    tables_.lookup->stop_where(update_->stopped());
  }
  ExecutorOptions forward = backend_->executor_options();
  forward.precision = to_precision(experiment.train().precision());
  forward_ = std::make_unique<Executor>(*model_.graph, std::vector{model_.logit}, forward);
  for (const ParameterStore::Entry& e : parameters().entries()) forward_->bind(e.value, e.data);
}

void Session::build_training_executor() {
  std::vector<Value> wanted;
  const auto entries = parameters().entries();
  for (const ParameterStore::Entry& e : entries) wanted.push_back(e.value);
  for (const RowsInput& r : model_.rows) wanted.push_back(r.rows);
  std::vector<Value> grads = gradients(model_.loss, wanted);

  // Each gradient is written directly to its place in the flat buffer, so no two may share a value.
  std::set<int32_t> taken;
  for (Value& g : grads) {
    if (!g) continue;
    const bool aliased = model_.graph->nodes()[model_.graph->producer(g)].op->aliases_input;
    if (aliased || !taken.insert(g.id).second) g = ops::scale(g, 1.0);
  }

  std::vector<Value> outputs = {model_.loss};
  std::ranges::copy_if(grads, std::back_inserter(outputs), [](Value g) { return static_cast<bool>(g); });
  const config::Train& train = experiment_.train();
  ExecutorOptions training = backend_->executor_options();
  training.precision = to_precision(train.precision());
  training.check_finite = train.debug_finite();
  training.profile = options_.profile;
  training.where = started_rank(communicator_);
  training_ = std::make_unique<Executor>(*model_.graph, outputs, training);
  for (size_t i = 0; i < entries.size(); ++i) {
    training_->bind(entries[i].value, entries[i].data);
    if (grads[i]) training_->bind(grads[i], entries[i].gradient);
  }
  backend_->sum_in_passing(*training_, std::span(grads).first(entries.size()));
  row_gradients_.assign(grads.begin() + std::ssize(entries), grads.end());
}

StepInputs Session::make_inputs() const {
  return {model_, schema_, tables_.tables->layout(), backend_->pad_up_to(experiment_.train())};
}

StepInputs& Session::prepare(const Batch& batch, StepInputs* prepared) {
  for (const auto& [key, name] : batch.scenario_names) scenario_names_.add(key, name);
  if (prepared != nullptr) return *prepared;
  inputs_.prepare(batch);
  return inputs_;
}

void Session::train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor, StepInputs* prepared) {
  StageClock clock(stage_seconds_, *backend_, options_.profile);
  StepInputs& inputs = prepare(batch, prepared);
  clock.lap(Stage::kDedup);
  tables_.lookup->lookup(inputs.keys(), embedding::LookupMode::kTrain);
  clock.lap(Stage::kLookup);
  backend_->bind(inputs, *training_, *tables_.lookup, 1.0 / static_cast<double>(global_rows));
  training_->run(inputs.padded());
  clock.lap(Stage::kDense);
  backend_->sum_gradients();
  clock.lap(Stage::kAllReduce);
  update_->step(training_->result(model_.loss), learning_rate_factor);
  clock.lap(Stage::kDenseUpdate);

  std::vector<TensorView> row_gradients(model_.rows.size());
  for (size_t i = 0; i < model_.rows.size(); ++i) {
    const int group = inputs.row_groups()[i];
    row_gradients[group] = real_rows(training_->result(row_gradients_[i]), inputs.keys().rows(group));
  }
  tables_.lookup->update(row_gradients, learning_rate_factor);
  clock.lap(Stage::kSparseUpdate);
}

std::span<const float> Session::predict(const Batch& batch, StepInputs* prepared) {
  StepInputs& inputs = prepare(batch, prepared);
  tables_.lookup->lookup(inputs.keys(), embedding::LookupMode::kEval);
  backend_->bind(inputs, *forward_, *tables_.lookup, 1.0);
  forward_->run(inputs.padded());
  return backend_->read(forward_->result(model_.logit), batch.rows);
}

double Session::take_losses(int64_t steps) {
  const double losses = update_->take_losses(steps);
  // The losses depend on what the ranks sent.
  backend_->check();
  return losses;
}

void Session::settle() {
  if (update_) update_->settle();
  tables_.lookup->check();
  backend_->check();
}

void Session::reset_times() {
  stage_seconds_.fill(0);
  if (training_) training_->reset_profile();
}

}  // namespace polyscene::core
