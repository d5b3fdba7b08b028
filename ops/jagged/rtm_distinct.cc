#include "ops/jagged/rtm_distinct.h"

#include "ops/dense/constant.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/dap_rows.h"

namespace polyscene::ops {
namespace {

// Checks projected [V, H], index [T], offsets [B + 1], row_bias [B, H], wo [H, C], which come in this order.
bool common_fits(std::span<const ValueType> in) {
  const SymbolicShape &projected = in[0].shape, &index = in[1].shape, &offsets = in[2].shape, &wo = in[4].shape;
  const DType dtype = in[0].dtype;
  if (projected.rank() != 2 || index.rank() != 1 || offsets.rank() != 1 || wo.rank() != 2) return false;
  return is_floating(dtype) && in[1].dtype == DType::kInt32 && in[2].dtype == DType::kInt32 &&
         in[3] == ValueType{dtype, {offsets[0] + -1, projected[1]}} && in[4] == ValueType{dtype, {projected[1], wo[1]}};
}

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType &distinct = c.inputs[0], &projected = c.inputs[1], &wo = c.inputs[5];
  const DType dtype = distinct.dtype;
  const bool fits = common_fits(c.inputs.subspan(1, 5)) && projected.dtype == dtype &&
                    distinct.shape == SymbolicShape{projected.shape[0], wo.shape[1]} &&
                    c.inputs[6] == ValueType{dtype, {wo.shape[1]}};
  check_inputs(c, fits,
               "distinct [V, C], projected [V, H], int32 index [T] and offsets [B + 1], row_bias [B, H], wo [H, C] and "
               "co [C] of one floating type");
  const ValueType rows{dtype, {c.inputs[2].shape[0], wo.shape[1]}};
  return {rows, pooled_type(rows, c.inputs[3], c.attributes.as<DapAttributes>(), c.op)};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const ValueType &projected = c.inputs[0], &index = c.inputs[1], &row_bias = c.inputs[3], &wo = c.inputs[4];
  const DType dtype = projected.dtype;
  const ValueType& y = c.inputs[5];
  const bool fits = common_fits(c.inputs.first(5)) && y == ValueType{dtype, {index.shape[0], wo.shape[1]}} &&
                    c.inputs[6] == pooled_type(y, c.inputs[2], c.attributes.as<DapAttributes>(), c.op) &&
                    c.inputs[7] == c.inputs[6] && (c.inputs.size() < 9 || c.inputs[8] == y);
  check_inputs(c, fits,
               "projected [V, H], index [T], offsets [B + 1], row_bias [B, H], wo [H, C], the result [T, C], its "
               "pooled rows, their gradient and, if there is one, that of the result");
  return {{dtype, {projected.shape[0], wo.shape[1]}}, projected, row_bias, wo, {dtype, {wo.shape[1]}}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const Value y = c.outputs[0], pooled = c.outputs[1];
  const Value dpooled = c.gradients[1] ? c.gradients[1] : constant(c.graph, pooled.type(), 0);
  std::vector<Value> inputs(c.inputs.begin() + 1, c.inputs.begin() + 6);
  inputs.insert(inputs.end(), {y, pooled, dpooled});
  if (c.gradients[0]) inputs.push_back(c.gradients[0]);
  const auto g = c.graph.add(kRtmDistinctBackward, c.attributes, std::move(inputs));
  return {g[0], g[1], /*index=*/{}, /*offsets=*/{}, g[2], g[3], g[4]};
}

struct Case {
  std::string name;
  std::vector<int32_t> lengths;
  int64_t distinct, width, hidden;
  DapKind kind = DapKind::kMeanStd;
};

std::vector<Case> cases() {
  return {{"odd sizes", {3, 0, 5, 1, 33}, 11, 7, 9},
          {"vector widths", {2, 31, 32}, 5, 16, 32},
          {"one more than a vector", {0, 17, 1}, 40, 33, 65, DapKind::kMeanVariance},
          {"even sizes", {2, 0, 3}, 4, 66, 132},
          {"one row", {4, 3}, 1, 3, 2, DapKind::kMean},
          {"long", {1025, 2}, 31, 3, 2},
          {"all empty", {0, 0}, 2, 3, 4},
          {"no samples", {}, 1, 3, 4}};
}

Sample sample(const Case& c) {
  const Tensor offsets = sample_offsets(c.lengths);
  const int64_t rows = offsets.elements<int32_t>().back(), batch = offsets.shape()[0] - 1;
  return {c.name,
          Attributes::of(DapAttributes{.kind = c.kind}),
          {sample_tensor({c.distinct, c.width}, 1), sample_tensor({c.distinct, c.hidden}, 2),
           sample_index({rows}, c.distinct, 6, MissingRows::kNone), offsets, sample_tensor({batch, c.hidden}, 3),
           sample_tensor({c.hidden, c.width}, 4), sample_tensor({c.width}, 5)},
          {}};
}

Sample sample_backward(const Case& c) {
  Sample s = sample(c);
  s.inputs.erase(s.inputs.begin());
  const Shape rows{s.inputs[1].shape()[0], c.width}, pooled{s.inputs[2].shape()[0] - 1, dap_cols(c.kind, c.width)};
  s.inputs[5] = sample_tensor(rows, 6);  // the backward op takes the result in place of co
  s.inputs.push_back(sample_positive(pooled, 7));
  s.inputs.push_back(sample_tensor(pooled, 8));
  s.inputs.push_back(sample_tensor(rows, 9));
  return s;
}

template <Sample (*make)(const Case&)>
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const Case& c : cases()) all.push_back(make(c));
  return all;
}

}  // namespace

PooledRows rtm_distinct(Value distinct, Value projected, Value index, Value offsets, Value row_bias, Value wo, Value co,
                        const DapAttributes& pooling) {
  const auto y = distinct.graph->add(kRtmDistinct, Attributes::of(pooling),
                                     {distinct, projected, index, offsets, row_bias, wo, co});
  return {y[0], y[1]};
}

const OpDefinition kRtmDistinct = {.name = "rtm_distinct",
                                   .infer = infer,
                                   .gradient = gradient,
                                   .cpu = rtm_distinct_cpu,
                                   .gpu = rtm_distinct_gpu,
                                   .samples = samples<sample>};

const OpDefinition kRtmDistinctBackward = {
    .name = "rtm_distinct_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself, and second derivatives are not supported",
    .cpu = rtm_distinct_backward_cpu,
    .gpu = rtm_distinct_backward_gpu,
    .samples = samples<sample_backward>,
};

}  // namespace polyscene::ops
