#include "ops/jagged/dap.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

// The index, if there is one, follows the `own` other inputs.
bool index_fits(const InferContext& c, size_t own) {
  return c.inputs.size() == own ||
         (c.inputs.size() == own + 1 && c.inputs[own].dtype == DType::kInt32 && c.inputs[own].shape.rank() == 1);
}

ValueType checked_pooled_type(const InferContext& c) {
  const ValueType &values = c.inputs[0], &offsets = c.inputs[1];
  const bool fits =
      is_floating(values.dtype) && has_rank(c, 0, 2) && offsets.dtype == DType::kInt32 && has_rank(c, 1, 1);
  check_inputs(c, fits, "floating values [T, C], int32 offsets [B + 1] and, if any, int32 index [T]");
  return pooled_type(values, offsets, c.attributes.as<DapAttributes>(), c.op);
}

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType pooled = checked_pooled_type(c);
  check_inputs(c, index_fits(c, 2), "values, offsets and, if any, int32 index [T]");
  return {pooled};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const ValueType pooled = checked_pooled_type(c);
  check_inputs(c, c.inputs[2] == pooled && c.inputs[3] == pooled && index_fits(c, 4),
               "values, offsets, a result and a gradient as dap's and, if any, int32 index [T]");
  return {c.inputs[0]};
}

std::vector<Value> gradient(const GradientContext& c) {
  std::vector<Value> inputs = {c.inputs[0], c.inputs[1], c.outputs[0], c.gradients[0]};
  std::vector<Value> result(c.inputs.size());
  if (c.inputs.size() == 3) inputs.push_back(c.inputs[2]);
  result[0] = c.graph.add(kDapBackward, c.attributes, std::move(inputs))[0];
  return result;
}

std::vector<Sample> samples() {
  const auto sample = [](std::string name, DapKind kind, std::vector<int32_t> lengths, int64_t width,
                         int64_t distinct = 0) {
    Tensor offsets = sample_offsets(std::move(lengths));
    const int64_t rows = offsets.elements<int32_t>().back();
    Sample s{std::move(name),
             Attributes::of(DapAttributes{.kind = kind}),
             {sample_tensor({distinct > 0 ? distinct : rows, width}, 1), offsets},
             {}};
    if (distinct > 0) s.inputs.push_back(sample_index({rows}, distinct, 6, MissingRows::kNone));
    return s;
  };
  // All of many rows but the first are alike: a sum of squares must not lose their small variance.
  Sample outlier = sample("an outlier first", DapKind::kMeanStd, {400}, 2);
  const auto x = outlier.inputs[0].elements<double>();
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i < 2 ? 1 : 0.3 + 0.01 * x[i]);
  return {outlier,
          sample("even", DapKind::kMeanStd, {7, 0, 9}, 66),
          sample("divisible by four", DapKind::kMeanVariance, {3, 0, 2}, 132),
          sample("distinct, divisible by four", DapKind::kMeanStd, {7, 0, 9}, 128, 11),
          sample("mean and deviation", DapKind::kMeanStd, {3, 0, 5, 1, 33}, 33),
          sample("mean and variance", DapKind::kMeanVariance, {2, 31, 0, 1}, 7),
          sample("mean", DapKind::kMean, {4, 0, 1}, 32),
          sample("long", DapKind::kMeanStd, {1025, 2}, 1),
          sample("all empty", DapKind::kMeanStd, {0, 0}, 3),
          sample("no samples", DapKind::kMeanStd, {}, 3),
          sample("distinct, deviation", DapKind::kMeanStd, {3, 0, 5, 1, 33}, 33, 11),
          sample("distinct, variance", DapKind::kMeanVariance, {2, 31, 0, 1}, 16, 3),
          sample("distinct, mean", DapKind::kMean, {4, 0, 1}, 7, 31),
          sample("distinct, many copies", DapKind::kMeanStd, std::vector<int32_t>(65, 33), 8, 7),
          sample("distinct, all empty", DapKind::kMeanStd, {0, 0}, 3, 1)};
}

// The pooled result need not belong to the values here: any positive deviation is valid.
std::vector<Sample> samples_backward() {
  std::vector<Sample> all = samples();
  for (Sample& s : all) {
    const bool one = s.attributes.as<DapAttributes>().kind == DapKind::kMean;
    const Shape shape{s.inputs[1].shape()[0] - 1, s.inputs[0].shape()[1] * (one ? 1 : 2)};
    std::vector<Tensor> added = {sample_positive(shape, 2), sample_tensor(shape, 3)};
    s.inputs.insert(s.inputs.begin() + 2, added.begin(), added.end());
  }
  return all;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, DapKind kind) {
  constexpr std::string_view names[] = {"mean_std", "mean_variance", "mean"};
  return out << names[static_cast<int>(kind)];
}

ValueType pooled_type(const ValueType& values, const ValueType& offsets, const DapAttributes& pooling,
                      std::string_view op) {
  require(pooling.eps > 0, "[ops.", op, "] wanted eps > 0, got ", pooling.eps);
  const Dim width = values.shape[1];
  return {values.dtype, {offsets.shape[0] + -1, pooling.kind == DapKind::kMean ? width : width * 2}};
}

Value dap(Value values, Value offsets, const DapAttributes& pooling) {
  return values.graph->add(kDap, Attributes::of(pooling), {values, offsets})[0];
}

Value dap_distinct(Value distinct, Value index, Value offsets, const DapAttributes& pooling) {
  return distinct.graph->add(kDap, Attributes::of(pooling), {distinct, offsets, index})[0];
}

const OpDefinition kDap = {
    .name = "dap", .infer = infer, .gradient = gradient, .cpu = dap_cpu, .gpu = dap_gpu, .samples = samples};

const OpDefinition kDapBackward = {
    .name = "dap_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself, and second derivatives are not supported",
    .cpu = dap_backward_cpu,
    .gpu = dap_backward_gpu,
    .samples = samples_backward,
};

}  // namespace polyscene::ops
