#include "ops/dense/linear.h"

#include "ops/dense/activation_backward.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/infer.h"
#include "ops/dense/linear_gradient.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

// The inputs are the parts, w and, recognised by its rank, the bias.
std::vector<ValueType> infer(const InferContext& c) {
  const size_t count = c.inputs.size(), bias = c.inputs.back().shape.rank() == 1 ? 1 : 0;
  bool fits = count >= 2 + bias && one_floating_type(c) && has_rank(c, count - 1 - bias, 2);
  if (fits) {
    const SymbolicShape& w = c.inputs[count - 1 - bias].shape;
    const auto cols = parts_cols(c, 0, count - 1 - bias);
    fits = cols && w[0] == Dim(*cols) && (bias == 0 || c.inputs.back().shape == SymbolicShape{w[1]});
  }
  check_inputs(c, fits, "parts x [N, K], w [sum of K, M] and, if any, bias [M] of one floating type");
  return {{c.inputs[0].dtype, {c.inputs[0].shape[0], c.inputs[count - 1 - bias].shape[1]}}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const Activation activation = c.attributes.as<LinearAttributes>().activation;
  const bool has_bias = c.inputs.back().shape().rank() == 1;
  const size_t parts = c.inputs.size() - (has_bias ? 2 : 1);
  Value dz = c.gradients[0], dbias;
  if (activation != Activation::kNone) {
    const ActivationGradients g = activation_backward(c.outputs[0], dz, activation);
    dz = g.dz;
    dbias = g.dbias;
  }
  std::vector<Value> result(c.inputs.size());
  int64_t begin = 0;
  for (size_t k = 0; k < parts; ++k) {
    const int64_t end = begin + c.inputs[k].shape()[1].constant;
    if (c.needed[k]) result[k] = linear_input_gradient(dz, c.inputs[parts], begin, end);
    begin = end;
  }
  if (c.needed[parts]) result[parts] = linear_weight_gradient({c.inputs.begin(), c.inputs.begin() + parts}, dz);
  if (has_bias && c.needed[parts + 1]) result[parts + 1] = dbias ? dbias : column_sum(dz);
  return result;
}

Sample sample(std::string name, Activation activation, int64_t n, const std::vector<int64_t>& widths, int64_t m,
              bool bias = true) {
  Sample s{std::move(name), Attributes::of(LinearAttributes{activation}), {}, {}};
  int64_t k = 0;
  for (int64_t width : widths) {
    s.inputs.push_back(sample_tensor({n, width}, 10 + s.inputs.size()));
    k += width;
  }
  s.inputs.push_back(sample_tensor({k, m}, 2));
  if (bias) s.inputs.push_back(sample_tensor({m}, 3));
  return s;
}

std::vector<Sample> samples() {
  return {sample("bias", Activation::kNone, 5, {33}, 31),
          sample("product alone", Activation::kNone, 3, {2}, 4, false),
          sample("relu", Activation::kRelu, 33, {7}, 32),
          sample("sigmoid", Activation::kSigmoid, 4, {31}, 1),
          sample("tanh without bias", Activation::kTanh, 2, {3}, 33, false),
          sample("many rows", Activation::kRelu, 1025, {2}, 3),
          sample("no rows", Activation::kRelu, 0, {4}, 3),
          sample("parts", Activation::kTanh, 33, {1, 5, 1, 16}, 7),
          sample("empty part", Activation::kNone, 5, {0, 3, 0, 2}, 31, false),
          sample("empty parts alone", Activation::kSigmoid, 3, {0, 0}, 2),
          sample("one row of parts", Activation::kSigmoid, 1, {1, 33}, 1),
          sample("many rows of parts", Activation::kRelu, 1025, {3, 1}, 2),
          sample("no rows of parts", Activation::kRelu, 0, {4, 1}, 3)};
}

}  // namespace

Value linear(std::vector<Value> parts, Value w, Value bias, Activation activation) {
  parts.push_back(w);
  if (bias) parts.push_back(bias);
  return w.graph->add(kLinear, Attributes::of(LinearAttributes{activation}), std::move(parts))[0];
}

Value linear(Value x, Value w, Value bias, Activation activation) {
  return linear(std::vector{x}, w, bias, activation);
}

const OpDefinition kLinear = {
    .name = "linear", .infer = infer, .gradient = gradient, .cpu = linear_cpu, .gpu = linear_gpu, .samples = samples};

}  // namespace polyscene::ops
