#include "core/models/feature_builder.h"

#include <algorithm>

#include "ops/dense/concat.h"
#include "ops/dense/linear.h"
#include "ops/dense/scale_rows.h"
#include "ops/dense/slice_cols.h"
#include "ops/jagged/gather_rows.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene::core {

std::vector<Value> present(const std::vector<Value>& parts) {
  std::vector<Value> values;
  std::ranges::copy_if(parts, std::back_inserter(values), [](Value v) { return static_cast<bool>(v); });
  return values;
}

Value concat_present(const std::vector<Value>& parts) {
  const std::vector<Value> values = present(parts);
  return values.empty() ? Value{} : ops::concat(values);
}

FeatureBuilder::FeatureBuilder(Model& model, const config::Experiment& experiment, const FeatureSchema& schema)
    : model_(model), experiment_(experiment), schema_(schema), dim_(experiment.embedding().dim()) {
  batch_ = graph().symbol("batch");
  if (!schema.numbers.empty())
    model_.numbers = graph().input("numbers", graph().floating(), {batch_, std::ssize(schema.numbers)});
}

int FeatureBuilder::table(const std::string& name, int dim, double init_stddev) {
  const auto found = std::ranges::find(model_.tables, name, &TableUse::name);
  if (found != model_.tables.end()) {
    require(found->dim == dim, "[models] table \"", name, "\" is used with dim ", found->dim, " and with dim ", dim,
            "; name another table for one of the features");
    return static_cast<int>(found - model_.tables.begin());
  }
  model_.tables.push_back({name, dim, init_stddev});
  return static_cast<int>(model_.tables.size()) - 1;
}

int FeatureBuilder::feature_table(const std::string& name, int dim) {
  double stddev = experiment_.embedding().init_stddev();
  for (const config::Table& t : experiment_.embedding().table())
    if (t.name() == name && t.has_init_stddev()) stddev = t.init_stddev();
  return table(name, dim, stddev);
}

Value FeatureBuilder::rows(int dim) {
  const auto found = std::ranges::find(model_.rows, dim, &RowsInput::dim);
  if (found != model_.rows.end()) return found->rows;
  const Dim count = graph().symbol(str("rows of dim ", dim));
  model_.rows.push_back({dim, graph().input(str("rows/", dim), graph().floating(), {count, dim})});
  return model_.rows.back().rows;
}

Value FeatureBuilder::fields(const std::function<bool(const FieldFeature&)>& wanted, int dim) {
  std::vector<int> indices;
  for (size_t i = 0; i < schema_.fields.size(); ++i)
    if (wanted(schema_.fields[i])) indices.push_back(static_cast<int>(i));
  return fields(std::move(indices), dim);
}

Value FeatureBuilder::fields(std::vector<int> indices, int dim) {
  if (indices.empty()) return {};
  FieldsInput input;
  input.dim = dim;
  for (int f : indices) input.tables.push_back(feature_table(schema_.fields[f].table, dim));
  input.index = graph().input(str("fields/", model_.fields.size()), DType::kInt32, {batch_, std::ssize(indices)});
  input.fields = std::move(indices);
  model_.fields.push_back(input);
  return ops::gather_rows(rows(dim), input.index);
}

Value FeatureBuilder::private_field(int field, const std::string& name, int dim, double init_stddev) {
  FieldsInput input{dim, {field}, {table(name, dim, init_stddev)}, {}};
  input.index = graph().input(str("fields/", model_.fields.size()), DType::kInt32, {batch_, 1});
  model_.fields.push_back(input);
  return ops::gather_rows(rows(dim), input.index);
}

Value FeatureBuilder::bags(const std::function<bool(const BagFeature&)>& wanted, int dim) {
  std::vector<Value> pooled;
  for (size_t i = 0; i < schema_.bags.size(); ++i) {
    const BagFeature& bag = schema_.bags[i];
    if (!wanted(bag)) continue;
    const Dim ids = graph().symbol("ids of bag " + bag.name);
    BagInput input{dim, static_cast<int>(i), feature_table(bag.table, dim), {}, {}, {}};
    input.index = graph().input(str("bag/", bag.name, "/", dim, "/index"), DType::kInt32, {ids});
    input.weights = graph().input(str("bag/", bag.name, "/", dim, "/weights"), graph().floating(), {ids, 1});
    input.offsets = graph().input(str("bag/", bag.name, "/", dim, "/offsets"), DType::kInt32, {batch_ + 1});
    model_.bags.push_back(input);
    pooled.push_back(
        ops::segment_sum(ops::scale_rows(ops::gather_rows(rows(dim), input.index), input.weights), input.offsets));
  }
  return concat_present(pooled);
}

Value FeatureBuilder::numbers(const std::function<bool(const NumberFeature&)>& wanted, int dim) {
  std::vector<Value> parts;
  for (size_t i = 0; i < schema_.numbers.size(); ++i) {
    if (!wanted(schema_.numbers[i])) continue;
    const int64_t at = i;
    const Value w = graph().parameter("number/" + schema_.numbers[i].name + "/w", {1, dim}, Init::kGlorotUniform);
    parts.push_back(ops::linear(ops::slice_cols(model_.numbers, at, at + 1), w));
  }
  return concat_present(parts);
}

Behaviours FeatureBuilder::sequence(int sequence, int dim) {
  const SequenceFeature& feature = schema_.sequences[sequence];
  const auto sides = std::ssize(feature.sides);
  const std::string prefix = str("sequence/", feature.name, "/", dim, "/");
  const Dim distinct = graph().symbol("distinct behaviours of " + feature.name);
  const Dim count = graph().symbol("behaviours of " + feature.name);
  SequenceInput input;
  input.dim = dim;
  input.sequence = sequence;
  for (const auto& side : feature.sides) input.tables.push_back(feature_table(side.table, dim));
  input.distinct_index = graph().input(prefix + "distinct", DType::kInt32, {distinct, sides});
  input.index = graph().input(prefix + "index", DType::kInt32, {count});
  input.offsets = graph().input(prefix + "offsets", DType::kInt32, {batch_ + 1});
  model_.sequences.push_back(input);
  Behaviours b;
  b.distinct = ops::gather_rows(rows(dim), input.distinct_index);
  b.index = input.index;
  b.offsets = input.offsets;
  b.values = ops::gather_rows(b.distinct, input.index);
  b.count = count;
  b.width = static_cast<int>(sides) * dim;
  return b;
}

Value FeatureBuilder::scenario(int dim) {
  const auto is_scenario = [](const auto& f) { return f.role == config::Feature::SCENARIO; };
  const Value s = concat_present({fields(is_scenario, dim), bags(is_scenario, dim), numbers(is_scenario, dim)});
  require(static_cast<bool>(s), "[models] wanted a feature with role: SCENARIO");
  return s;
}

Value FeatureBuilder::context(int dim) {
  const auto is_context = [](const auto& f) { return f.role != config::Feature::SCENARIO; };
  const Value c = concat_present({fields(is_context, dim), bags(is_context, dim), numbers(is_context, dim)});
  require(static_cast<bool>(c), "[models] wanted a feature besides scenario and behaviours");
  return c;
}

}  // namespace polyscene::core
