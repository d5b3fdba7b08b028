#include "core/features/feature_schema.h"

#include <cmath>
#include <set>

#include "core/text/suggest.h"
#include "ops/base/error.h"

namespace polyscene {
namespace {

using config::Feature;

const std::string& or_name(bool given, const std::string& value, const std::string& name) {
  return given ? value : name;
}

void check_number(const std::string& name, const config::Number& number) {
  require(number.stddev() > 0 && std::isfinite(number.stddev()) && std::isfinite(number.mean()),
          "[data.feature] number \"", name, "\" wants a finite mean and a positive stddev, got mean ", number.mean(),
          ", stddev ", number.stddev());
  for (int i = 0; i < number.boundary_size(); ++i) {
    require(std::isfinite(number.boundary(i)) && (i == 0 || number.boundary(i - 1) < number.boundary(i)),
            "[data.feature] number \"", name, "\" wants finite boundaries in ascending order, got ", number.boundary(i),
            " at place ", i);
  }
}

void check_range(const std::string& name, const config::Categorical& field) {
  require(!field.has_min_id() || !field.has_max_id() || field.min_id() <= field.max_id(),
          "[data.feature] categorical \"", name, "\" wants min_id <= max_id, got ", field.min_id(), " and ",
          field.max_id());
}

void check_length(const std::string& name, int max_length) {
  require(max_length >= 1, "[data.feature] \"", name, "\" wants max_length of at least 1, got ", max_length);
}

int find_target(const FeatureSchema& schema, const std::string& sequence, const std::string& target) {
  std::vector<std::string> names;
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    if (schema.fields[i].name == target) return static_cast<int>(i);
    names.push_back(schema.fields[i].name);
  }
  throw InvalidArgument(str("[data.feature] sequence \"", sequence, "\" wants target \"", target,
                            "\", but no categorical feature has that name", config_text::suggestion(target, names)));
}

SequenceFeature sequence_feature(const FeatureSchema& schema, const config::Data& data, const std::string& name,
                                 const config::Sequence& sequence) {
  check_length(name, sequence.max_length());
  require(sequence.side_size() > 0, "[data.feature] sequence \"", name, "\" wants at least one side { column: ... }");
  SequenceFeature feature{.name = name, .sides = {}, .max_length = sequence.max_length()};
  for (const auto& side : sequence.side()) {
    require(!side.column().empty(), "[data.feature] sequence \"", name, "\" has a side without a column");
    const int target = side.has_target() ? find_target(schema, name, side.target()) : -1;
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
      check_range(name, field);
      schema.fields.push_back({name, or_name(field.has_table(), field.table(), name), feature.role()});
      break;
    }
    case Feature::kBag: {
      const auto& bag = feature.bag();
      check_length(name, bag.max_length());
      schema.bags.push_back(
          {name, or_name(bag.has_table(), bag.table(), name), feature.role(), bag.pooling() == config::Bag::MEAN});
      break;
    }
    case Feature::kNumber: {
      const auto& number = feature.number();
      check_number(name, number);
      if (number.boundary_size() > 0) {
        schema.fields.push_back({name, or_name(number.has_table(), number.table(), name), feature.role()});
      } else {
        schema.numbers.push_back({name, feature.role()});
      }
      break;
    }
    case Feature::kSequence:
      break;
    case Feature::KIND_NOT_SET:
      throw InvalidArgument(
          str("[data.feature] feature \"", name, "\" wants one of categorical, bag, number, sequence; got none"));
  }
}

void check_name(std::set<std::string>& seen, const std::string& what, const std::string& name) {
  require(!name.empty(), "[data.feature] a ", what, " has no name");
  require(seen.insert(name).second, "[data.feature] two ", what, "s are named \"", name, "\"");
}

}  // namespace

FeatureSchema FeatureSchema::from(const config::Data& data) {
  FeatureSchema schema;
  std::set<std::string> features, labels, groups;
  for (const Feature& feature : data.feature()) {
    check_name(features, "feature", feature.name());
    add_plain(schema, feature);
  }
  for (const Feature& feature : data.feature()) {
    if (feature.has_sequence()) {
      schema.sequences.push_back(sequence_feature(schema, data, feature.name(), feature.sequence()));
    }
  }
  for (const auto& label : data.label()) {
    check_name(labels, "label", label.name());
    schema.labels.push_back(label.name());
  }
  for (const auto& group : data.group()) {
    check_name(groups, "group", group.name());
    schema.groups.push_back(group.name());
  }
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

}  // namespace polyscene
