#include "tests/embedding/reference_tables.h"

#include <cmath>

#include "embedding/plan/partition_map.h"
#include "embedding/table/initial_value.h"

namespace polyscene::testing {
namespace {

using Kind = embedding::SparseOptimizer::Kind;

void update_row(const embedding::SparseOptimizer& o, double factor, double t, std::vector<double> g,
                ReferenceRow& row) {
  const double rate = o.learning_rate * factor;
  const size_t dim = g.size();
  double squares = 0;
  for (size_t i = 0; i < dim; ++i) {
    g[i] += o.weight_decay * row.values[i];
    squares += g[i] * g[i];
  }
  if (o.kind == Kind::kRowWiseAdagrad) row.m[0] += squares / static_cast<double>(dim);
  for (size_t i = 0; i < dim; ++i) {
    double step = g[i];
    if (o.kind == Kind::kRowWiseAdagrad) step = g[i] / (std::sqrt(row.m[0]) + o.epsilon);
    if (o.kind == Kind::kAdagrad) {
      row.m[i] += g[i] * g[i];
      step = g[i] / (std::sqrt(row.m[i]) + o.epsilon);
    }
    if (o.kind == Kind::kLazyAdam) {
      row.m[i] = o.beta1 * row.m[i] + (1 - o.beta1) * g[i];
      row.v[i] = o.beta2 * row.v[i] + (1 - o.beta2) * g[i] * g[i];
      step = std::sqrt(1 - std::pow(o.beta2, t)) / (1 - std::pow(o.beta1, t)) * row.m[i] /
             (std::sqrt(row.v[i]) + o.epsilon);
    }
    row.values[i] -= rate * step;
  }
}

}  // namespace

ReferenceRow& ReferenceTables::train_row(int table, int64_t key) {
  const auto [found, is_new] = tables_[static_cast<size_t>(table)].try_emplace(key);
  if (is_new) {
    const embedding::TableSpec& spec = specs_[static_cast<size_t>(table)];
    const auto dim = static_cast<size_t>(spec.dim);
    std::vector<float> values(dim);
    embedding::fill_initial_values(embedding::initial_value_key(seed_, embedding::table_salt(spec.name)), key,
                                   spec.init_stddev, values);
    found->second = {.values = {values.begin(), values.end()},
                     .m = std::vector<double>(dim, spec.optimizer.initial_state()),
                     .v = std::vector<double>(dim)};
  }
  return found->second;
}

std::vector<double> ReferenceTables::eval_row(int t, int64_t key) const {
  const auto found = table(t).find(key);
  if (found != table(t).end()) return found->second.values;
  return std::vector<double>(static_cast<size_t>(specs_[static_cast<size_t>(t)].dim));
}

void ReferenceTables::update(const Gradients& gradients, double learning_rate_factor) {
  ++steps_;
  for (size_t t = 0; t < gradients.size(); ++t) {
    for (const auto& [key, g] : gradients[t]) {
      update_row(specs_[t].optimizer, learning_rate_factor, static_cast<double>(steps_), g,
                 train_row(static_cast<int>(t), key));
    }
  }
}

}  // namespace polyscene::testing
