#include "core/models/layers.h"

#include "ops/dense/activate.h"
#include "ops/dense/add.h"
#include "ops/dense/concat.h"
#include "ops/dense/linear.h"
#include "ops/dense/mul.h"
#include "ops/dense/reshape.h"
#include "ops/dense/scale_rows.h"
#include "ops/dense/slice_cols.h"
#include "ops/dense/sub.h"
#include "ops/jagged/dap.h"
#include "ops/jagged/expand_rows.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene {

Value dense_layer(FeatureBuilder& f, const std::string& name, Value x, int out, ops::Activation act) {
  const Value w = f.graph().parameter(name + "/w", {x.shape().back(), out}, Init::kGlorotUniform);
  const Value b = f.graph().parameter(name + "/b", {out}, Init::kZeros);
  return ops::linear(x, w, b, act);
}

namespace {

// Rows [begin, begin + count) of a matrix: contiguous, so columns of it seen as one row.
Value rows_of(Value w, int64_t begin, int64_t count) {
  const int64_t rows = w.shape()[0].constant, cols = w.shape()[1].constant;
  const Value flat = ops::reshape(w, {rows * cols});
  return ops::reshape(ops::slice_cols(flat, begin * cols, (begin + count) * cols), {count, cols});
}

}  // namespace

Value linear_of_parts(const std::vector<Value>& parts, Value w, Value b, ops::Activation act) {
  Value sum;
  int64_t begin = 0;
  for (const Value& part : parts) {
    const int64_t width = part.shape().back().constant;
    const Value product = ops::linear(part, rows_of(w, begin, width), sum ? Value{} : b);
    sum = sum ? ops::add(sum, product) : product;
    begin += width;
  }
  require(begin == w.shape()[0].constant, "[models] wanted parts of ", w.shape()[0].constant, " columns together, got ",
          begin);
  return act == ops::Activation::kNone ? sum : ops::activate(sum, act);
}

Value mlp(FeatureBuilder& f, const std::string& name, Value x, std::span<const int> hidden, int out) {
  int layer = 0;
  for (int width : hidden) x = dense_layer(f, str(name, "/", layer++), x, width, ops::Activation::kRelu);
  return dense_layer(f, str(name, "/", layer), x, out, ops::Activation::kNone);
}

std::vector<int> head_widths(const config::Model& model) {
  if (model.head().empty()) return {256, 128, 64};
  return {model.head().begin(), model.head().end()};
}

Value mean_pooled_sequences(FeatureBuilder& f, int dim) {
  std::vector<Value> pooled;
  for (size_t s = 0; s < f.schema().sequences.size(); ++s) {
    const Behaviours b = f.sequence(static_cast<int>(s), dim);
    pooled.push_back(ops::dap_distinct(b.distinct, b.index, b.offsets, ops::DapKind::kMean));
  }
  return concat_present(pooled);
}

Value target_of(FeatureBuilder& f, int sequence, int dim) {
  const SequenceFeature& feature = f.schema().sequences[static_cast<size_t>(sequence)];
  std::vector<int> fields;
  for (size_t i = 0; i < feature.sides.size(); ++i) {
    require(feature.sides[i].target_field >= 0, "[models] target attention over sequence \"", feature.name,
            "\" wants a target for every side, side ", i, " (table \"", feature.sides[i].table,
            "\") has none; set side.target to the field it is compared with");
    fields.push_back(feature.sides[i].target_field);
  }
  return f.fields(fields, dim);
}

Value target_attention(FeatureBuilder& f, const std::string& name, Value behaviours, Value offsets, Dim count,
                       Value target, std::span<const int> hidden) {
  const Value t = ops::expand_rows(target, offsets, count);
  const Value x = ops::concat({behaviours, t, ops::sub(behaviours, t), ops::mul(behaviours, t)});
  return ops::segment_sum(ops::scale_rows(behaviours, mlp(f, name, x, hidden, 1)), offsets);
}

}  // namespace polyscene
