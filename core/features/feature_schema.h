// The configuration's features by their form in a batch: the contract between reader, lookup and models.
#pragma once

#include <string>
#include <vector>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

using Role = config::Feature::Role;

// One id per row: categorical features and bucketised numbers. Batch::fields[i] belongs to fields[i].
struct FieldFeature {
  std::string name, table;
  Role role;
};

struct BagFeature {
  std::string name, table;
  Role role;
  bool mean;  // pooling: divide by the sum of weights
};

struct NumberFeature {
  std::string name;
  Role role;
};

struct SequenceFeature {
  struct Side {
    std::string table;
    int target_field;  // index into FeatureSchema::fields, or -1
  };
  std::string name;
  std::vector<Side> sides;
  int max_length;
};

struct FeatureSchema {
  std::vector<FieldFeature> fields;
  std::vector<BagFeature> bags;
  std::vector<NumberFeature> numbers;
  std::vector<SequenceFeature> sequences;
  std::vector<std::string> labels, groups;

  // Throws InvalidArgument like require_valid_features() (core/config/valid.h).
  [[nodiscard]] static FeatureSchema from(const config::Data& data);
  // Names of all tables, sorted, each once.
  [[nodiscard]] std::vector<std::string> tables() const;
};

// The table of a side field: its own, else its target's, else one named after its column.
[[nodiscard]] std::string side_table(const config::Data& data, const config::Sequence::Side& side);

}  // namespace polyscene::core
