#include "core/features/feature_schema.h"

#include <algorithm>
#include <set>

#include "core/config/valid.h"

namespace polyscene::core {
namespace {

using config::Feature;

const std::string& or_name(bool given, const std::string& value, const std::string& name) {
  return given ? value : name;
}

int index_of(const FeatureSchema& schema, const std::string& field) {
  return static_cast<int>(std::ranges::find(schema.fields, field, &FieldFeature::name) - schema.fields.begin());
}

SequenceFeature sequence_feature(const FeatureSchema& schema, const config::Data& data, const std::string& name,
                                 const config::Sequence& sequence) {
  SequenceFeature feature{.name = name, .sides = {}, .max_length = sequence.max_length()};
  for (const auto& side : sequence.side()) {
    const int target = side.has_target() ? index_of(schema, side.target()) : -1;
    feature.sides.push_back({.table = side_table(data, side), .target_field = target});
  }
  return feature;
}

// Everything but sequences, whose targets may be declared after them.
void add_plain(FeatureSchema& schema, const Feature& feature) {
  const std::string& name = feature.name();
  switch (feature.kind_case()) {
    case Feature::kCategorical: {
      const auto& field = feature.categorical();
      schema.fields.push_back({name, or_name(field.has_table(), field.table(), name), feature.role()});
      break;
    }
    case Feature::kBag: {
      const auto& bag = feature.bag();
      schema.bags.push_back(
          {name, or_name(bag.has_table(), bag.table(), name), feature.role(), bag.pooling() == config::Bag::MEAN});
      break;
    }
    case Feature::kNumber: {
      const auto& number = feature.number();
      if (number.boundary_size() > 0) {
        schema.fields.push_back({name, or_name(number.has_table(), number.table(), name), feature.role()});
      } else {
        schema.numbers.push_back({name, feature.role()});
      }
      break;
    }
    case Feature::kSequence:
    case Feature::KIND_NOT_SET:
      break;
  }
}

}  // namespace

FeatureSchema FeatureSchema::from(const config::Data& data) {
  require_valid_features(data);
  FeatureSchema schema;
  for (const Feature& feature : data.feature()) add_plain(schema, feature);
  for (const Feature& feature : data.feature()) {
    if (feature.has_sequence()) {
      schema.sequences.push_back(sequence_feature(schema, data, feature.name(), feature.sequence()));
    }
  }
  for (const auto& label : data.label()) schema.labels.push_back(label.name());
  for (const auto& group : data.group()) schema.groups.push_back(group.name());
  return schema;
}

std::string side_table(const config::Data& data, const config::Sequence::Side& side) {
  if (side.has_table()) return side.table();
  for (const Feature& feature : data.feature()) {
    if (!side.has_target() || feature.name() != side.target()) continue;
    if (feature.has_categorical())
      return or_name(feature.categorical().has_table(), feature.categorical().table(), feature.name());
    if (feature.has_number()) return or_name(feature.number().has_table(), feature.number().table(), feature.name());
  }
  return side.column();
}

std::vector<std::string> FeatureSchema::tables() const {
  std::set<std::string> names;
  for (const auto& field : fields) names.insert(field.table);
  for (const auto& bag : bags) names.insert(bag.table);
  for (const auto& sequence : sequences) {
    for (const auto& side : sequence.sides) names.insert(side.table);
  }
  return {names.begin(), names.end()};
}

}  // namespace polyscene::core
