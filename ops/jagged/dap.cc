#include "ops/jagged/dap.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const auto& [kind, eps] = c.attributes.as<DapAttributes>();
  require(eps > 0, "[ops.", c.op, "] wanted eps > 0, got ", eps);
  const ValueType &values = c.inputs[0], &offsets = c.inputs[1];
  const bool fits = one_floating_type(c, 1) && has_rank(c, 0, 2) && offsets.dtype == DType::kInt32 && has_rank(c, 1, 1);
  check_inputs(c, fits, "floating values [T, C] and int32 offsets [B + 1]");
  const Dim width = values.shape[1];
  return {{values.dtype, {offsets.shape[0] + -1, kind == DapKind::kMean ? width : width * 2}}};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const ValueType pooled = infer(c)[0];
  check_inputs(c, c.inputs[2] == pooled && c.inputs[3] == pooled,
               "values, offsets, and a result and a gradient as dap's");
  return {c.inputs[0]};
}

std::vector<Value> gradient(const GradientContext& c) {
  const auto added = c.graph.add(kDapBackward, c.attributes, {c.inputs[0], c.inputs[1], c.outputs[0], c.gradients[0]});
  return {added[0], {}};
}

std::vector<Sample> samples() {
  const auto sample = [](std::string name, DapKind kind, std::vector<int32_t> lengths, int64_t width) {
    Tensor offsets = sample_offsets(std::move(lengths));
    const int64_t rows = offsets.elements<int32_t>().back();
    return Sample{
        std::move(name), Attributes::of(DapAttributes{.kind = kind}), {sample_tensor({rows, width}, 1), offsets}, {}};
  };
  return {sample("mean and deviation", DapKind::kMeanStd, {3, 0, 5, 1, 33}, 33),
          sample("mean and variance", DapKind::kMeanVariance, {2, 31, 0, 1}, 7),
          sample("mean", DapKind::kMean, {4, 0, 1}, 32),
          sample("long", DapKind::kMeanStd, {1025, 2}, 1),
          sample("all empty", DapKind::kMeanStd, {0, 0}, 3),
          sample("no samples", DapKind::kMeanStd, {}, 3)};
}

// The result need not belong to the values here: any positive deviation does.
std::vector<Sample> samples_backward() {
  std::vector<Sample> all = samples();
  for (Sample& s : all) {
    const bool one = s.attributes.as<DapAttributes>().kind == DapKind::kMean;
    const Shape shape{s.inputs[1].shape()[0] - 1, s.inputs[0].shape()[1] * (one ? 1 : 2)};
    s.inputs.push_back(sample_tensor(shape, 2));
    for (double& x : s.inputs.back().elements<double>()) x = x * x + 0.5;
    s.inputs.push_back(sample_tensor(shape, 3));
  }
  return all;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, DapKind kind) {
  constexpr std::string_view names[] = {"mean_std", "mean_variance", "mean"};
  return out << names[static_cast<int>(kind)];
}

Value dap(Value values, Value offsets, DapKind kind, double eps) {
  return values.graph->add(kDap, Attributes::of(DapAttributes{kind, eps}), {values, offsets})[0];
}

const OpDefinition kDap = {.name = "dap", .infer = infer, .gradient = gradient, .cpu = dap_cpu, .samples = samples};

const OpDefinition kDapBackward = {
    .name = "dap_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself: second derivatives are not offered",
    .cpu = dap_backward_cpu,
    .samples = samples_backward,
};

}  // namespace polyscene::ops
