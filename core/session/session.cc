#include "core/session/session.h"

#include <algorithm>
#include <limits>
#include <set>

#include "core/config/translate.h"
#include "core/session/stage_clock.h"
#include "dist/place.h"
#include "ops/autodiff.h"
#include "ops/dense/scale.h"

namespace polyscene {
namespace {

// Larger batches need no recorded graph: they keep a device busy for longer than the host needs to queue their kernels.
int64_t pad_up_to(const config::Train& train, const Device* device) {
  if (device == nullptr || train.device_graphs() == config::Train::NEVER) return 0;
  return train.device_graphs() == config::Train::ALWAYS ? std::numeric_limits<int64_t>::max() : 4096;
}

TensorView real_rows(const TensorView& padded, int64_t rows) {
  return {padded.data, padded.dtype, {rows, padded.shape[1]}};
}

DeviceRanks connect_devices(const Rank& rank) {
  const auto* on = std::get_if<OnDevice>(&rank.runs_on);
  return on == nullptr ? DeviceRanks() : make_device_ranks(rank.communicator, on->device, on->transport);
}

}  // namespace

Session::Session(const config::Experiment& experiment, const FeatureSchema& schema, const Rank& rank,
                 SessionOptions options)
    : experiment_(experiment),
      schema_(schema),
      rank_(rank),
      communicator_(rank.communicator),
      options_(options),
      model_(build_model(experiment, schema)),
      parameters_(*model_.graph, experiment.seed(), device()),
      device_ranks_(connect_devices(rank)),
      tables_(
          make_tables(experiment, model_, options.training, communicator_, device(), device_ranks_.communicator.get())),
      inputs_(make_inputs()),
      buckets_(static_cast<int64_t>(parameters_.gradients().size()), DType::kFloat32) {
  if (device() != nullptr) copies_.emplace(*device(), "inputs of the batch");
  const config::Train& train = experiment.train();
  if (options_.training) {
    build_training_executor();
    update_ = device() == nullptr ? make_host_update(train, parameters_, communicator_)
                                  : make_device_update(train, parameters_, communicator_, *device());
    tables_.lookup->stop_where(update_->stopped());
  }
  forward_ =
      std::make_unique<Executor>(*model_.graph, std::vector{model_.logit},
                                 ExecutorOptions{.device = device(), .precision = to_precision(train.precision())});
  for (const ParameterStore::Entry& e : parameters_.entries()) forward_->bind(e.value, e.data);
}

void Session::build_training_executor() {
  std::vector<Value> wanted;
  for (const ParameterStore::Entry& e : parameters_.entries()) wanted.push_back(e.value);
  for (const RowsInput& r : model_.rows) wanted.push_back(r.rows);
  std::vector<Value> grads = gradients(model_.loss, wanted);

  // Each gradient is written directly to its place in the flat buffer, so no two may share a value.
  std::set<int32_t> taken;
  for (Value& g : grads) {
    if (!g) continue;
    const bool aliased = model_.graph->nodes()[static_cast<size_t>(model_.graph->producer(g))].op->aliases_input;
    if (aliased || !taken.insert(g.id).second) g = ops::scale(g, 1.0);
  }

  std::vector<Value> outputs = {model_.loss};
  std::ranges::copy_if(grads, std::back_inserter(outputs), [](Value g) { return static_cast<bool>(g); });
  const config::Train& train = experiment_.train();
  training_ = std::make_unique<Executor>(*model_.graph, outputs,
                                         ExecutorOptions{.device = device(),
                                                         .precision = to_precision(train.precision()),
                                                         .check_finite = train.debug_finite(),
                                                         .profile = options_.profile,
                                                         .where = started_rank(communicator_)});
  const auto entries = parameters_.entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    training_->bind(entries[i].value, entries[i].data);
    if (grads[i]) training_->bind(grads[i], entries[i].gradient);
  }
  if (device() != nullptr && communicator_.size() > 1 && !device_ranks_.host_waits) sum_gradients_in_passing(grads);
  row_gradients_.assign(grads.begin() + static_cast<int64_t>(entries.size()), grads.end());
}

// Each bucket is summed on a side queue as soon as its gradients are queued. The side queue has its own communicator,
// because that of the tables runs on the compute queue. Exchanges of the two never overlap: the compute queue waits for
// the sums before its next exchange.
void Session::sum_gradients_in_passing(std::span<const Value> gradients) {
  side_.emplace(*device());
  side_ranks_ = make_device_ranks(communicator_, side_->device(), std::get<OnDevice>(rank_.runs_on).transport);
  const auto entries = parameters_.entries();
  for (int64_t bucket = 0; bucket < buckets_.count(); ++bucket) {
    const GradientBuckets::Range range = buckets_.range(bucket);
    std::vector<Value> inside;
    for (size_t i = 0; i < entries.size(); ++i)
      if (gradients[i] && entries[i].offset < range.end &&
          entries[i].offset + entries[i].gradient.shape.elements() > range.begin)
        inside.push_back(gradients[i]);
    training_->after(inside, [this, bucket] {
      side_->begin();
      buckets_.all_reduce_bucket(*side_ranks_.communicator, parameters_.gradients(), bucket);
    });
  }
}

StepInputs Session::make_inputs() const {
  return {model_, schema_, tables_.tables->layout(), pad_up_to(experiment_.train(), device())};
}

StepInputs& Session::prepare(const Batch& batch, StepInputs* prepared) {
  for (const auto& [key, name] : batch.scenario_names) scenario_names_.add(key, name);
  if (prepared != nullptr) return *prepared;
  inputs_.prepare(batch);
  return inputs_;
}

void Session::train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor, StepInputs* prepared) {
  StageClock clock(stage_seconds_, device(), options_.profile);
  StepInputs& inputs = prepare(batch, prepared);
  clock.lap(Stage::kDedup);
  tables_.lookup->lookup(inputs.keys(), LookupMode::kTrain);
  clock.lap(Stage::kLookup);
  inputs.bind(*training_, *tables_.lookup, 1.0 / static_cast<double>(global_rows), copies_ ? &*copies_ : nullptr);
  training_->run(inputs.padded());
  clock.lap(Stage::kDense);
  if (side_)
    side_->end();
  else if (communicator_.size() > 1)
    buckets_.all_reduce(device_ranks_.communicator ? *device_ranks_.communicator : communicator_,
                        parameters_.gradients());
  clock.lap(Stage::kAllReduce);
  update_->step(training_->result(model_.loss), learning_rate_factor);
  clock.lap(Stage::kDenseUpdate);

  std::vector<TensorView> row_gradients(model_.rows.size());
  for (size_t i = 0; i < model_.rows.size(); ++i) {
    const int group = inputs.row_groups()[i];
    row_gradients[static_cast<size_t>(group)] =
        real_rows(training_->result(row_gradients_[i]), inputs.keys().rows(group));
  }
  tables_.lookup->update(row_gradients, learning_rate_factor);
  clock.lap(Stage::kSparseUpdate);
}

std::span<const float> Session::predict(const Batch& batch, StepInputs* prepared) {
  StepInputs& inputs = prepare(batch, prepared);
  tables_.lookup->lookup(inputs.keys(), LookupMode::kEval);
  inputs.bind(*forward_, *tables_.lookup, 1.0, copies_ ? &*copies_ : nullptr);
  forward_->run(inputs.padded());
  const TensorView logits = forward_->result(model_.logit);
  if (device() == nullptr) return logits.elements<const float>();
  const std::span<float> host = logits_.resize(batch.rows);
  device()->copy_out(host.data(), logits.data, static_cast<int64_t>(host.size_bytes()));
  return host;
}

double Session::take_losses(int64_t steps) {
  const double losses = update_->take_losses(steps);
  // Checks that no exchange failed, because the losses depend on what the ranks sent.
  for (const DeviceRanks* ranks : {&device_ranks_, &side_ranks_})
    if (ranks->communicator) ranks->communicator->check();
  return losses;
}

void Session::settle() {
  if (device() == nullptr) return;
  if (update_) update_->settle();
  tables_.lookup->check();
  device_ranks_.communicator->check();
  if (side_ranks_.communicator) side_ranks_.communicator->check();
}

void Session::reset_times() {
  stage_seconds_.fill(0);
  if (training_) training_->reset_profile();
}

}  // namespace polyscene
