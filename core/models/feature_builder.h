// Turns features into graph values: each call declares what must be bound from outside and returns embeddings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/models/model.h"

namespace polyscene {

// Behaviours of one sequence as graph values.
struct Behaviours {
  Value distinct;  // [distinct, width]: embeddings of the distinct behaviours of the batch
  Value index;     // int32 [behaviours]
  Value offsets;   // int32 [batch + 1]
  Value values;    // [behaviours, width]: distinct[index]
  Dim count;       // behaviours
  int width = 0;   // side fields * dim
};

class FeatureBuilder {
 public:
  FeatureBuilder(Model& model, const config::Experiment& experiment, const FeatureSchema& schema);

  [[nodiscard]] Graph& graph() { return *model_.graph; }
  [[nodiscard]] const FeatureSchema& schema() const { return schema_; }
  [[nodiscard]] Dim batch() const { return batch_; }
  [[nodiscard]] int dim() const { return dim_; }  // the configured width of one field

  // Embeddings of one-id features that `wanted` accepts, side by side: [batch, n * dim]; no value when there is none.
  Value fields(const std::function<bool(const FieldFeature&)>& wanted, int dim);
  // Embeddings of the given fields, in this order.
  Value fields(std::vector<int> indices, int dim);
  // Pooled bags that `wanted` accepts: [batch, n * dim].
  Value bags(const std::function<bool(const BagFeature&)>& wanted, int dim);
  // Each plain number times a trained vector of its own: [batch, n * dim]; no value when there is none.
  Value numbers(const std::function<bool(const NumberFeature&)>& wanted, int dim);
  // The sequence's behaviours, their side fields side by side.
  Behaviours sequence(int sequence, int dim);
  // Embeddings of one feature in a table of its own, e.g. gates per scenario: [batch, dim].
  Value private_field(int field, const std::string& table, int dim, double init_stddev);

  // All features of the roles: S takes SCENARIO, C the rest.
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

// The parts that are values.
[[nodiscard]] std::vector<Value> present(const std::vector<Value>& parts);
// The same side by side; no value when all are absent.
[[nodiscard]] Value concat_present(const std::vector<Value>& parts);

}  // namespace polyscene
