#include "core/train/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "core/config/translate.h"
#include "ops/dense/scale.h"
#include "ops/graph/autodiff.h"

namespace polyscene {
namespace {

// Adds the time since construction or the last lap to a stage.
class StageClock {
 public:
  explicit StageClock(std::span<double> seconds) : seconds_(seconds) {}
  void lap(Stage stage) {
    const auto now = std::chrono::steady_clock::now();
    seconds_[static_cast<size_t>(stage)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::span<double> seconds_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::vector<TableSpec> table_specs(const Model& model, const config::Embedding& embedding, bool training) {
  std::vector<TableSpec> specs;
  for (const TableUse& use : model.tables) {
    config::SparseOptimizer optimizer = embedding.optimizer();
    for (const config::Table& t : embedding.table())
      if (t.name() == use.name && t.has_optimizer()) optimizer = t.optimizer();
    specs.push_back({use.name, use.dim, use.init_stddev, to_sparse_optimizer(optimizer)});
    if (!training) specs.back().optimizer.kind = SparseOptimizer::Kind::kSgd;  // the one without state
  }
  return specs;
}

// Matrices decay, biases do not. The [1, dim] weights of a plain number are a matrix, its first layer: they do.
std::vector<bool> decayed(const ParameterStore& parameters) {
  std::vector<bool> mask(parameters.values().size());
  for (const ParameterStore::Entry& e : parameters.entries())
    if (e.data.shape.rank() == 2) std::fill_n(mask.begin() + e.offset, e.data.shape.elements(), true);
  return mask;
}

}  // namespace

Session::Session(const config::Experiment& experiment, const FeatureSchema& schema, Communicator& communicator,
                 SessionOptions options)
    : experiment_(experiment),
      schema_(schema),
      communicator_(communicator),
      options_(options),
      model_(build_model(experiment, schema)),
      parameters_(*model_.graph, experiment.seed()),
      tables_(communicator, table_specs(model_, experiment.embedding(), options.training),
              {.seed = experiment.seed(), .partitions = experiment.embedding().partitions()}),
      lookup_(tables_),
      inputs_(model_, schema, tables_),
      buckets_(static_cast<int64_t>(parameters_.gradients().size()), DType::kFloat32) {
  if (options_.training) {
    build_training_executor();
    optimizer_ =
        std::make_unique<DenseOptimizer>(to_dense_optimizer(experiment.train().optimizer()), decayed(parameters_));
  }
  forward_ = std::make_unique<Executor>(*model_.graph, std::vector{model_.logit},
                                        ExecutorOptions{.precision = to_precision(experiment.train().precision())});
  for (const ParameterStore::Entry& e : parameters_.entries()) forward_->bind(e.value, e.data);
}

void Session::build_training_executor() {
  std::vector<Value> wanted;
  for (const ParameterStore::Entry& e : parameters_.entries()) wanted.push_back(e.value);
  for (const RowsInput& r : model_.rows) wanted.push_back(r.rows);
  std::vector<Value> grads = gradients(model_.loss, wanted);

  // Each gradient is written straight to its place in the flat buffer, so it must be a value of its own.
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
                                         ExecutorOptions{.precision = to_precision(train.precision()),
                                                         .check_finite = train.debug_finite(),
                                                         .profile = options_.profile,
                                                         .where = str("rank ", communicator_.rank())});
  const auto entries = parameters_.entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    training_->bind(entries[i].value, entries[i].data);
    if (grads[i]) training_->bind(grads[i], entries[i].gradient);
  }
  row_gradients_.assign(grads.begin() + static_cast<int64_t>(entries.size()), grads.end());
}

double Session::train_step(const Batch& batch, int64_t global_rows, double learning_rate_factor) {
  StageClock clock(stage_seconds_);
  inputs_.prepare(batch);
  clock.lap(Stage::kDedup);
  lookup_.lookup(inputs_.keys(), LookupMode::kTrain);
  clock.lap(Stage::kLookup);
  inputs_.bind(*training_, lookup_, 1.0 / static_cast<double>(global_rows));
  training_->run();
  const double loss = training_->result(model_.loss).elements<float>()[0];
  clock.lap(Stage::kDense);
  buckets_.all_reduce(communicator_, parameters_.gradients());
  clock.lap(Stage::kAllReduce);

  const double norm = global_norm(std::span<const float>(parameters_.gradients()));
  check_gradients(loss, norm);
  if (const double limit = experiment_.train().clip_norm(); limit > 0)
    clip_to_norm(parameters_.gradients(), norm, limit);
  optimizer_->step(parameters_.values(), std::span<const float>(parameters_.gradients()), learning_rate_factor);
  clock.lap(Stage::kDenseUpdate);

  std::vector<TensorView> row_gradients(model_.rows.size());
  for (size_t i = 0; i < model_.rows.size(); ++i)
    for (int group = 0; group < tables_.layout().groups(); ++group)
      if (tables_.layout().dim(group) == model_.rows[i].dim)
        row_gradients[static_cast<size_t>(group)] = training_->result(row_gradients_[i]);
  lookup_.update(row_gradients, learning_rate_factor);
  clock.lap(Stage::kSparseUpdate);
  return loss;
}

// The norm is that of the gradients summed over ranks: a bad value anywhere shows on every rank alike, before any
// update. The ranks' losses then tell whose data it came from.
void Session::check_gradients(double loss, double norm) const {
  if (std::isfinite(norm)) return;
  std::vector<double> losses(static_cast<size_t>(communicator_.size()));
  communicator_.all_gather<double>({&loss, 1}, losses);
  std::string ranks;
  for (size_t r = 0; r < losses.size(); ++r)
    if (!std::isfinite(losses[r])) ranks += str(ranks.empty() ? "" : ", ", r);
  std::string tensors;
  for (const ParameterStore::Entry& e : parameters_.entries())
    if (!std::ranges::all_of(e.gradient.elements<float>(), [](float g) { return std::isfinite(g); }))
      tensors = tensors.empty() ? str('"', e.name, '"') : tensors.ends_with("...") ? tensors : tensors + " ...";
  throw Error(ErrorKind::kOther,
              str("[train] the gradient of ", tensors, " is not finite; the loss is not finite on rank ",
                  ranks.empty() ? "none" : ranks,
                  "; try a lower learning rate, train.clip_norm, or train.debug_finite: true to find the first node"));
}

std::span<const float> Session::predict(const Batch& batch) {
  inputs_.prepare(batch);
  lookup_.lookup(inputs_.keys(), LookupMode::kEval);
  inputs_.bind(*forward_, lookup_, 1.0);
  forward_->run();
  return forward_->result(model_.logit).elements<const float>();
}

void Session::reset_times() {
  stage_seconds_.fill(0);
  if (training_) training_->reset_profile();
}

}  // namespace polyscene
