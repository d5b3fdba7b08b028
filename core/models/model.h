// A model is one static graph built from the configuration, from features to logit and loss. The graph's inputs (rows
// of tables, indices into them, offsets, labels) are listed beside it, so that the step loop can bind them without
// knowing the model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/experiment.pb.h"
#include "core/features/feature_schema.h"
#include "ops/graph/graph.h"

namespace polyscene::core {

// An embedding table that the model uses. The rows of all ranks together form one logical table.
struct TableUse {
  std::string name;
  int dim = 0;
  double init_stddev = 0;
};

// The distinct rows of a step, of all tables of one width: value [rows of the step, dim].
struct RowsInput {
  int dim = 0;
  Value rows;
};

// Features with one id per row, looked up in tables of one width.
struct FieldsInput {
  int dim = 0;
  std::vector<int> fields;  // indices into FeatureSchema::fields
  std::vector<int> tables;  // per field: index into Model::tables
  Value index;              // int32 [batch, fields]: row of the RowsInput of that width
};

// A bag: ids with weights that sum to 1 where the bag is pooled by mean.
struct BagInput {
  int dim = 0;
  int bag = 0;
  int table = 0;
  Value index;    // int32 [ids]
  Value weights;  // [ids, 1]
  Value offsets;  // int32 [batch + 1]
};

// A sequence: the distinct behaviours (tuples of side fields), and for each behaviour the index of its tuple.
struct SequenceInput {
  int dim = 0;
  int sequence = 0;
  std::vector<int> tables;  // per side field
  Value distinct_index;     // int32 [distinct, sides]
  Value index;              // int32 [behaviours]: row of distinct_index
  Value offsets;            // int32 [batch + 1]
};

struct Model {
  std::unique_ptr<Graph> graph;
  std::vector<TableUse> tables;
  std::vector<RowsInput> rows;
  std::vector<FieldsInput> fields;
  std::vector<BagInput> bags;
  std::vector<SequenceInput> sequences;
  Value numbers;  // [batch, plain numeric features], or no value
  int label = 0;  // index into FeatureSchema::labels
  Value labels;   // [batch, 1]
  Value weight;   // [1]: the loss is weight * (sum of the samples' losses); 1 / global batch size in training
  Value logit;    // [batch, 1]
  Value loss;     // [1]
};

// Builds the configured model; `floating` is float64 for gradient checks. Throws InvalidArgument when the model asks
// for features that the data does not have, like require_valid_model() (core/config/valid.h).
[[nodiscard]] Model build_model(const config::Experiment& experiment, const FeatureSchema& schema,
                                DType floating = DType::kFloat32);

}  // namespace polyscene::core
