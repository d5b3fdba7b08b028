#include "core/models/layers.h"

#include "ops/dense/linear.h"
#include "ops/dense/mul.h"
#include "ops/dense/scale_rows.h"
#include "ops/dense/sub.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene::core {

int width(Value x) { return static_cast<int>(x.shape().back().constant); }

int total_width(const std::vector<Value>& parts) {
  int sum = 0;
  for (const Value& part : parts) sum += width(part);
  return sum;
}

Value dense_layer(FeatureBuilder& f, const std::string& name, std::vector<Value> parts, int out, ops::Activation act) {
  const Value w = f.graph().parameter(name + "/w", {total_width(parts), out}, Init::kGlorotUniform);
  const Value b = f.graph().parameter(name + "/b", {out}, Init::kZeros);
  return ops::linear(std::move(parts), w, b, act);
}

Value mlp(FeatureBuilder& f, const std::string& name, std::vector<Value> parts, std::span<const int> hidden, int out) {
  int layer = 0;
  for (int units : hidden)
    parts = {dense_layer(f, str(name, "/", layer++), std::move(parts), units, ops::Activation::kRelu)};
  return dense_layer(f, str(name, "/", layer), std::move(parts), out, ops::Activation::kNone);
}

std::vector<int> head_widths(const config::Model& model) {
  if (model.head().empty()) return {256, 128, 64};
  return {model.head().begin(), model.head().end()};
}

Value mean_pooled_sequences(FeatureBuilder& f, int dim) {
  std::vector<Value> pooled;
  for (size_t s = 0; s < f.schema().sequences.size(); ++s) {
    const Behaviours b = f.sequence(static_cast<int>(s), dim);
    pooled.push_back(ops::dap_distinct(b.distinct, b.index, b.offsets, {.kind = ops::DapKind::kMean}));
  }
  return concat_present(pooled);
}

Value target_of(FeatureBuilder& f, int sequence, int dim) {
  const SequenceFeature& feature = f.schema().sequences[sequence];
  std::vector<int> fields;
  for (size_t i = 0; i < feature.sides.size(); ++i) {
    require(feature.sides[i].target_field >= 0, "[models] wanted a target for every side of ", feature.name);
    fields.push_back(feature.sides[i].target_field);
  }
  return f.fields(fields, dim);
}

Value target_attention(FeatureBuilder& f, const std::string& name, Value behaviours, Value offsets, Dim count,
                       Value target, std::span<const int> hidden) {
  const Value t = ops::expand_rows(target, offsets, count);
  const Value score = mlp(f, name, {behaviours, t, ops::sub(behaviours, t), ops::mul(behaviours, t)}, hidden, 1);
  return ops::segment_sum(ops::scale_rows(behaviours, score), offsets);
}

}  // namespace polyscene::core
