// Turns features into graph values. Each call declares the graph inputs that it needs and returns embeddings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/models/model.h"

namespace polyscene::core {

// The behaviours of one sequence as graph values.
struct Behaviours {
  Value distinct;  // [distinct, width]: embeddings of the distinct behaviours of the batch
  Value index;     // int32 [behaviours]: row of `distinct`
  Value offsets;   // int32 [batch + 1]
  Value values;    // [behaviours, width]: distinct[index]
  Dim count;       // number of behaviours
  int width = 0;   // side fields * dim
};

class FeatureBuilder {
 public:
  FeatureBuilder(Model& model, const config::Experiment& experiment, const FeatureSchema& schema);

  [[nodiscard]] Graph& graph() { return *model_.graph; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] Dim batch() const { return batch_; }
  [[nodiscard]] int dim() const { return dim_; }  // embedding.dim, the width of one field

  // Embeddings of the features with one id per row that `wanted` accepts, concatenated: [batch, n * dim]; no value when
  // there is none.
  Value fields(const std::function<bool(const FieldFeature&)>& wanted, int dim);
  // Embeddings of the given fields (indices into FeatureSchema::fields), in this order: [batch, n * dim].
  Value fields(std::vector<int> indices, int dim);
  // Pooled embeddings of the bags that `wanted` accepts: [batch, n * dim]; no value when there is none.
  Value bags(const std::function<bool(const BagFeature&)>& wanted, int dim);
  // The plain numbers that `wanted` accepts, each times its own trained vector: [batch, n * dim]; no value when there
  // is none.
  Value numbers(const std::function<bool(const NumberFeature&)>& wanted, int dim);
  // The behaviours of a sequence, with the embeddings of their side fields concatenated.
  Behaviours sequence(int sequence, int dim);
  // Embeddings of one feature in an additional table, e.g. gates per scenario: [batch, dim].
  Value private_field(int field, const std::string& table, int dim, double init_stddev);

  // The scenario vector S, from all features with role SCENARIO, and the context C, from all others.
  [[nodiscard]] Value scenario(int dim);
  [[nodiscard]] Value context(int dim);

 private:
  int table(const std::string& name, int dim, double init_stddev);
  int feature_table(const std::string& name, int dim);
  Value rows(int dim);

  Model& model_;
  const config::Experiment& experiment_;
  const FeatureSchema& schema_;
  int dim_;
  Dim batch_;
};

// The parts that hold a value.
[[nodiscard]] std::vector<Value> present(const std::vector<Value>& parts);
// The present parts, concatenated; no value when all are absent.
[[nodiscard]] Value concat_present(const std::vector<Value>& parts);

}  // namespace polyscene::core
