// A model of the configuration in double with a small batch bound to it: what the tests of models start from.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/feature_schema.h"
#include "core/models/model.h"
#include "ops/graph/executor.h"

namespace polyscene::testing {

// Keys of a batch, small enough to write down. Sequences: per sample a list of behaviours, each a key per side field.
struct TinyBatch {
  std::vector<std::vector<int64_t>> fields;                   // per field [batch]
  std::vector<std::vector<std::vector<int64_t>>> behaviours;  // per sample, per behaviour: a key per side
  std::vector<double> labels;
};

// user (USER), item and category (ITEM), scenario (SCENARIO); one sequence with sides item and category.
[[nodiscard]] config::Experiment tiny_experiment();
// `samples` rows with sequences of length 0, 1, 2, ... 5, 0, ... and random keys out of a few.
[[nodiscard]] TinyBatch tiny_batch(int samples, uint64_t seed = 7);

class ModelHarness {
 public:
  explicit ModelHarness(const config::Experiment& experiment);

  // Fills every parameter and every row of every table with N(0, scale^2), instead of the model's own initial values.
  void randomise(double scale, uint64_t seed = 3);
  // Rows of tables keep the value they first got, so that equal keys mean equal rows from batch to batch.
  void bind(const TinyBatch& batch);

  [[nodiscard]] double loss();
  [[nodiscard]] std::vector<double> logits();
  // Any value of the graph.
  [[nodiscard]] std::vector<double> compute(Value v);
  // Gradients of `of` (default the loss) with respect to a parameter or the rows of a dim; empty where there is none.
  [[nodiscard]] std::vector<double> gradient(Value with_respect_to, Value of = {});

  [[nodiscard]] core::Model& model() { return model_; }
  [[nodiscard]] Tensor& parameter(const std::string& name);
  // Tensors by graph input: parameters and the rows inputs of the bound batch, which tests may change.
  [[nodiscard]] std::map<int32_t, Tensor>& inputs() { return inputs_; }
  // The row of a table, created N(0, scale^2) on first sight.
  [[nodiscard]] std::vector<double>& row(int table, int64_t key);
  [[nodiscard]] bool has_row(int table, int64_t key) const { return numbers_.contains({table, key}); }
  // Number of the key's row in the rows input of its dim, of the bound batch.
  [[nodiscard]] int32_t row_number(int table, int64_t key);

 private:
  int32_t index_of(int table, int64_t key);

  core::FeatureSchema schema_;
  core::Model model_;
  double row_scale_ = 0.5;
  std::map<std::pair<int, int64_t>, std::vector<double>> rows_;
  std::map<std::pair<int, int64_t>, int32_t> numbers_;
  std::map<int, std::vector<std::pair<int, int64_t>>> order_;  // per dim: keys of the rows input
  std::map<int32_t, Tensor> inputs_;
};

}  // namespace polyscene::testing
