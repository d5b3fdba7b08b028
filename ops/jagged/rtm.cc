#include "ops/jagged/rtm.h"

#include "ops/dense/constant.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/dap_rows.h"

namespace polyscene::ops {
namespace {

// Checks the inputs that forward and backward share, with the extents of the first ones: b [T, C], offsets [B + 1], wb
// [C, H] and wo [H, C], at the same positions in both.
bool common_fits(std::span<const ValueType> in) {
  const SymbolicShape &b = in[0].shape, &offsets = in[1].shape, &wb = in[3].shape;
  const DType dtype = in[0].dtype;
  return is_floating(dtype) && b.rank() == 2 && wb.rank() == 2 && offsets.rank() == 1 && in[1].dtype == DType::kInt32 &&
         in[3] == ValueType{dtype, {b[1], wb[1]}} && in[4] == ValueType{dtype, {wb[1], b[1]}};
}

std::vector<ValueType> infer(const InferContext& c) {
  const auto& in = c.inputs;
  const ValueType &b = in[0], &wb = in[3];
  const bool fits = common_fits(in) && in[2] == ValueType{b.dtype, {in[1].shape[0] + -1, wb.shape[1]}} &&
                    in[5] == ValueType{b.dtype, {b.shape[1]}};
  check_inputs(
      c, fits,
      "b [T, C], int32 offsets [B + 1], row_bias [B, H], wb [C, H], wo [H, C] and co [C] of one floating type");
  return {b, pooled_type(b, in[1], c.attributes.as<DapAttributes>(), c.op), {b.dtype, {b.shape[0], wb.shape[1]}}};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const auto& in = c.inputs;
  const ValueType &b = in[0], &wb = in[3];
  const bool fits = common_fits(in) && in[2] == ValueType{b.dtype, {b.shape[0], wb.shape[1]}} && in[5] == b &&
                    in[6] == pooled_type(b, in[1], c.attributes.as<DapAttributes>(), c.op) && in[7] == in[6] &&
                    (in.size() < 9 || in[8] == b) && (in.size() < 10 || in[9] == in[2]);
  check_inputs(c, fits,
               "b [T, C], int32 offsets [B + 1], u [T, H], wb [C, H], wo [H, C], a result as b, its pooled rows, their "
               "gradient and maybe those of the result and u");
  return {b, {b.dtype, {in[1].shape[0] + -1, wb.shape[1]}}, wb, in[4], {b.dtype, {b.shape[1]}}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const Value b = c.inputs[0], offsets = c.inputs[1], wb = c.inputs[3], wo = c.inputs[4];
  const Value y = c.outputs[0], pooled = c.outputs[1], u = c.outputs[2];
  const auto or_zeros = [&](Value g, Value of) { return g ? g : constant(c.graph, of.type(), 0); };
  std::vector<Value> inputs = {b, offsets, u, wb, wo, y, pooled, or_zeros(c.gradients[1], pooled)};
  if (c.gradients[0] || c.gradients[2]) inputs.push_back(or_zeros(c.gradients[0], y));
  if (c.gradients[2]) inputs.push_back(c.gradients[2]);
  const auto d = c.graph.add(kRtmBackward, c.attributes, std::move(inputs));
  return {d[0], {}, d[1], d[2], d[3], d[4]};
}

struct Case {
  std::string name;
  std::vector<int32_t> lengths;
  int64_t width, hidden;
  DapKind kind = DapKind::kMeanStd;
};

std::vector<Case> cases() {
  return {{"odd", {3, 0, 5, 1, 33}, 7, 9},
          {"vector widths", {2, 31, 32}, 16, 32},
          {"past a vector", {0, 17, 1}, 33, 65, DapKind::kMeanVariance},
          {"even", {2, 0, 3}, 66, 132},
          {"one", {1}, 1, 1, DapKind::kMean},
          {"long", {1025, 2}, 3, 2},
          {"all empty", {0, 0}, 3, 4},
          {"no samples", {}, 3, 4}};
}

Sample sample(const Case& c) {
  const Tensor offsets = sample_offsets(c.lengths);
  const int64_t rows = offsets.elements<int32_t>().back(), batch = offsets.shape()[0] - 1;
  return {c.name,
          Attributes::of(DapAttributes{.kind = c.kind}),
          {sample_tensor({rows, c.width}, 1), offsets, sample_tensor({batch, c.hidden}, 2),
           sample_tensor({c.width, c.hidden}, 3), sample_tensor({c.hidden, c.width}, 4), sample_tensor({c.width}, 5)},
          {}};
}

Sample sample_backward(const Case& c) {
  Sample s = sample(c);
  const Shape rows = s.inputs[0].shape(), pooled{s.inputs[1].shape()[0] - 1, dap_cols(c.kind, c.width)};
  s.inputs[2] = sample_tensor({rows[0], c.hidden}, 2);
  s.inputs[5] = sample_tensor(rows, 5);
  s.inputs.push_back(sample_positive(pooled, 6));
  s.inputs.push_back(sample_tensor(pooled, 7));
  s.inputs.push_back(sample_tensor(rows, 8));
  return s;
}

template <Sample (*make)(const Case&)>
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const Case& c : cases()) all.push_back(make(c));
  return all;
}

std::vector<Sample> samples_backward() {
  std::vector<Sample> all = samples<sample_backward>();
  Sample with_gradient_of_u = sample_backward({"gradient of u", {3, 0, 1}, 4, 6});
  with_gradient_of_u.inputs.push_back(sample_tensor({4, 6}, 9));
  all.push_back(std::move(with_gradient_of_u));
  return all;
}

}  // namespace

PooledRows rtm(Value b, Value offsets, Value row_bias, Value wb, Value wo, Value co, const DapAttributes& pooling) {
  const auto y = b.graph->add(kRtm, Attributes::of(pooling), {b, offsets, row_bias, wb, wo, co});
  return {y[0], y[1]};
}

const OpDefinition kRtm = {
    .name = "rtm", .infer = infer, .gradient = gradient, .cpu = rtm_cpu, .gpu = rtm_gpu, .samples = samples<sample>};

const OpDefinition kRtmBackward = {
    .name = "rtm_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself, and second derivatives are not supported",
    .cpu = rtm_backward_cpu,
    .gpu = rtm_backward_gpu,
    .samples = samples_backward,
};

}  // namespace polyscene::ops
