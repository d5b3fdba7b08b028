#include "ops/jagged/rtm.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const SymbolicShape &b = c.inputs[0].shape, &offsets = c.inputs[1].shape, &wb = c.inputs[3].shape;
  const DType dtype = c.inputs[0].dtype;
  const auto is = [&](size_t input, const SymbolicShape& shape) { return c.inputs[input] == ValueType{dtype, shape}; };
  const bool fits = is_floating(dtype) && b.rank() == 2 && wb.rank() == 2 && offsets.rank() == 1 &&
                    c.inputs[1].dtype == DType::kInt32 && is(2, {offsets[0] + -1, wb[1]}) && is(3, {b[1], wb[1]}) &&
                    is(4, {wb[1], b[1]}) && is(5, {b[1]});
  check_inputs(
      c, fits,
      "b [T, C], int32 offsets [B + 1], row_bias [B, H], wb [C, H], wo [H, C] and co [C] of one floating type");
  return {c.inputs[0], {dtype, {b[0], wb[1]}}};
}

std::vector<ValueType> infer_backward(const InferContext& c) {
  const ValueType &b = c.inputs[0], &offsets = c.inputs[1], &u = c.inputs[2], &wb = c.inputs[3], &wo = c.inputs[4];
  check_inputs(c, one_floating_type(c, 1) && u.dtype == b.dtype && has_rank(c, 2, 2) && c.inputs[5] == b,
               "b [T, C], offsets, u [T, H], wb, wo and a gradient of b's type");
  return {b, {b.dtype, {offsets.shape[0] + -1, u.shape[1]}}, wb, wo, {b.dtype, {b.shape[1]}}};
}

std::vector<Value> gradient(const GradientContext& c) {
  require(!c.gradients[1], "[ops.rtm] wanted no use of the rectified rows but the backward's, a loss depends on them");
  const Value b = c.inputs[0], offsets = c.inputs[1], wb = c.inputs[3], wo = c.inputs[4];
  const auto g = c.graph.add(kRtmBackward, c.attributes, {b, offsets, c.outputs[1], wb, wo, c.gradients[0]});
  return {g[0], {}, g[1], g[2], g[3], g[4]};
}

struct Case {
  std::string name;
  std::vector<int32_t> lengths;
  int64_t width, hidden;
};

std::vector<Case> cases() {
  return {{"odd", {3, 0, 5, 1, 33}, 7, 9},
          {"vector widths", {2, 31, 32}, 16, 32},
          {"past a vector", {0, 17, 1}, 33, 65},
          {"one", {1}, 1, 1},
          {"long", {1025, 2}, 3, 2},
          {"all empty", {0, 0}, 3, 4},
          {"no samples", {}, 3, 4}};
}

Sample sample(const Case& c) {
  const Tensor offsets = sample_offsets(c.lengths);
  const int64_t rows = offsets.elements<int32_t>().back(), batch = offsets.shape()[0] - 1;
  return {c.name,
          Attributes::of(NoAttributes{}),
          {sample_tensor({rows, c.width}, 1), offsets, sample_tensor({batch, c.hidden}, 2),
           sample_tensor({c.width, c.hidden}, 3), sample_tensor({c.hidden, c.width}, 4), sample_tensor({c.width}, 5)},
          {}};
}

Sample sample_backward(const Case& c) {
  Sample s = sample(c);
  s.inputs[2] = sample_tensor({s.inputs[0].shape()[0], c.hidden}, 2);
  s.inputs[5] = sample_tensor(s.inputs[0].shape(), 5);
  return s;
}

template <Sample (*make)(const Case&)>
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const Case& c : cases()) all.push_back(make(c));
  return all;
}

}  // namespace

Value rtm(Value b, Value offsets, Value row_bias, Value wb, Value wo, Value co) {
  return b.graph->add(kRtm, Attributes::of(NoAttributes{}), {b, offsets, row_bias, wb, wo, co})[0];
}

const OpDefinition kRtm = {
    .name = "rtm", .infer = infer, .gradient = gradient, .cpu = rtm_cpu, .samples = samples<sample>};

const OpDefinition kRtmBackward = {
    .name = "rtm_backward",
    .infer = infer_backward,
    .gradient = "it is a gradient itself: second derivatives are not offered",
    .cpu = rtm_backward_cpu,
    .samples = samples<sample_backward>,
};

}  // namespace polyscene::ops
