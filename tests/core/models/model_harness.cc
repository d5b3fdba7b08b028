#include "tests/core/models/model_harness.h"

#include <algorithm>

#include "core/config/load.h"
#include "ops/autodiff.h"
#include "ops/base/philox.h"

namespace polyscene::testing {
namespace {

void add_field(config::Data& data, const std::string& name, config::Feature::Role role) {
  config::Feature& f = *data.add_feature();
  f.set_name(name);
  f.mutable_categorical();
  f.set_role(role);
}

}  // namespace

config::Experiment tiny_experiment() {
  config::Experiment e;
  config::Data& data = *e.mutable_data();
  add_field(data, "user", config::Feature::USER);
  add_field(data, "item", config::Feature::ITEM);
  add_field(data, "category", config::Feature::ITEM);
  add_field(data, "scenario", config::Feature::SCENARIO);
  config::Feature& history = *data.add_feature();
  history.set_name("history");
  for (const std::string side : {"item", "category"}) {
    auto& s = *history.mutable_sequence()->add_side();
    s.set_column("history_" + side);
    s.set_table(side);
    s.set_target(side);
  }
  data.add_label()->set_name("click");
  data.set_scenario_column("scenario");
  data.add_train_files("none");
  e.mutable_embedding()->set_dim(3);
  for (int width : {5, 4}) e.mutable_model()->add_head(width);
  e.mutable_model()->mutable_sfpnet()->set_gate_hidden(6);
  e.mutable_model()->mutable_sfpnet()->set_context_width(5);
  return e;
}

TinyBatch tiny_batch(int samples, uint64_t seed) {
  PhiloxStream random(seed);
  const auto key = [&] { return static_cast<int64_t>(random.next_below(5)); };
  TinyBatch b;
  b.fields.resize(4);
  for (int i = 0; i < samples; ++i) {
    for (auto& field : b.fields) field.push_back(key());
    b.behaviours.emplace_back();
    for (int k = 0; k < i % 6; ++k) b.behaviours.back().push_back({key(), key()});
    b.labels.push_back(static_cast<double>(random.next_below(2)));
  }
  return b;
}

ModelHarness::ModelHarness(const config::Experiment& experiment)
    : schema_(core::FeatureSchema::from(experiment.data())), model_(build_model(experiment, schema_, DType::kFloat64)) {
  PhiloxStream random(1);
  for (const Parameter& p : model_.graph->parameters()) {
    Tensor t(DType::kFloat64, p.value.shape().resolve({}));
    if (p.init == Init::kGlorotUniform)
      for (double& x : t.elements<double>()) x = random.next_uniform() - 0.5;
    inputs_[p.value.id] = t;
  }
}

void ModelHarness::randomise(double scale, uint64_t seed) {
  PhiloxStream random(seed);
  for (const Parameter& p : model_.graph->parameters())
    for (double& x : inputs_[p.value.id].elements<double>()) x = scale * random.next_normal();
  row_scale_ = scale;
}

std::vector<double>& ModelHarness::row(int table, int64_t key) {
  std::vector<double>& r = rows_[{table, key}];
  if (r.empty()) {
    PhiloxStream random(static_cast<uint64_t>(table) * 1000 + static_cast<uint64_t>(key), 5);
    for (int i = 0; i < model_.tables[static_cast<size_t>(table)].dim; ++i)
      r.push_back(row_scale_ * random.next_normal());
  }
  return r;
}

int32_t ModelHarness::row_number(int table, int64_t key) { return numbers_.at({table, key}); }

int32_t ModelHarness::index_of(int table, int64_t key) {
  auto& order = order_[model_.tables[static_cast<size_t>(table)].dim];
  const auto [at, added] = numbers_.try_emplace({table, key}, static_cast<int32_t>(order.size()));
  if (added) order.push_back({table, key});
  return at->second;
}

void ModelHarness::bind(const TinyBatch& batch) {
  numbers_.clear();
  order_.clear();
  const auto samples = static_cast<int64_t>(batch.labels.size());
  for (const core::FieldsInput& input : model_.fields) {
    Tensor index(DType::kInt32, {samples, static_cast<int64_t>(input.fields.size())});
    for (int64_t i = 0, at = 0; i < samples; ++i)
      for (size_t k = 0; k < input.fields.size(); ++k)
        index.elements<int32_t>()[static_cast<size_t>(at++)] =
            index_of(input.tables[k], batch.fields[static_cast<size_t>(input.fields[k])][static_cast<size_t>(i)]);
    inputs_[input.index.id] = index;
  }
  for (const core::SequenceInput& input : model_.sequences) {
    std::map<std::vector<int64_t>, int32_t> distinct;
    std::vector<std::vector<int64_t>> tuples;
    std::vector<int32_t> index, offsets = {0}, rows;
    for (const auto& sample : batch.behaviours) {
      for (const auto& behaviour : sample) {
        const auto [at, added] = distinct.try_emplace(behaviour, static_cast<int32_t>(tuples.size()));
        if (added) tuples.push_back(behaviour);
        index.push_back(at->second);
      }
      offsets.push_back(static_cast<int32_t>(index.size()));
    }
    for (const auto& tuple : tuples)
      for (size_t k = 0; k < tuple.size(); ++k) rows.push_back(index_of(input.tables[k], tuple[k]));
    inputs_[input.distinct_index.id] =
        Tensor::of<int32_t>({static_cast<int64_t>(tuples.size()), static_cast<int64_t>(input.tables.size())},
                            std::span<const int32_t>(rows));
    inputs_[input.index.id] =
        Tensor::of<int32_t>({static_cast<int64_t>(index.size())}, std::span<const int32_t>(index));
    inputs_[input.offsets.id] =
        Tensor::of<int32_t>({static_cast<int64_t>(offsets.size())}, std::span<const int32_t>(offsets));
  }
  for (const core::RowsInput& input : model_.rows) {
    const auto& order = order_[input.dim];
    Tensor rows(DType::kFloat64, {static_cast<int64_t>(order.size()), input.dim});
    for (size_t i = 0; i < order.size(); ++i)
      std::ranges::copy(row(order[i].first, order[i].second),
                        rows.elements<double>().begin() + static_cast<int64_t>(i) * input.dim);
    inputs_[input.rows.id] = rows;
  }
  inputs_[model_.labels.id] = Tensor::of<double>({samples, 1}, std::span<const double>(batch.labels));
  inputs_[model_.weight.id] = Tensor::of<double>({1}, {1.0 / static_cast<double>(samples)});
}

std::vector<double> ModelHarness::compute(Value v) {
  Executor executor(*model_.graph, {v});
  for (const auto& [id, tensor] : inputs_) executor.bind({model_.graph.get(), id}, tensor.view());
  executor.run();
  const auto result = executor.result(v).elements<double>();
  return {result.begin(), result.end()};
}

double ModelHarness::loss() { return compute(model_.loss)[0]; }
std::vector<double> ModelHarness::logits() { return compute(model_.logit); }

std::vector<double> ModelHarness::gradient(Value with_respect_to, Value of) {
  const Value g = gradients(of ? of : model_.loss, std::vector{with_respect_to})[0];
  return g ? compute(g) : std::vector<double>{};
}

Tensor& ModelHarness::parameter(const std::string& name) { return inputs_.at(model_.graph->find(name).id); }

}  // namespace polyscene::testing
