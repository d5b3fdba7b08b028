#include "ops/dense/linear.h"

#include "ops/dense/activation_backward.h"
#include "ops/dense/column_sum.h"
#include "ops/dense/infer.h"
#include "ops/dense/matmul.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const SymbolicShape &x = c.inputs[0].shape, &w = c.inputs[1].shape;
  const bool fits = one_floating_type(c) && x.rank() == 2 && w.rank() == 2 && x[1] == w[0] &&
                    (c.inputs.size() < 3 || c.inputs[2].shape == SymbolicShape{w[1]});
  check_inputs(c, fits, "x [N, K], w [K, M] and, if any, bias [M] of one floating type");
  return {{c.inputs[0].dtype, {x[0], w[1]}}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const Activation activation = c.attributes.as<LinearAttributes>().activation;
  const Value x = c.inputs[0], w = c.inputs[1];
  Value dz = c.gradients[0], dbias;
  if (activation != Activation::kNone) {
    const ActivationGradients g = activation_backward(c.outputs[0], dz, activation);
    dz = g.dz;
    dbias = g.dbias;
  }
  std::vector<Value> result(c.inputs.size());
  if (c.needed[0]) result[0] = matmul(dz, w, {.transpose_b = true});
  if (c.needed[1]) result[1] = matmul(x, dz, {.transpose_a = true});
  if (c.inputs.size() == 3 && c.needed[2]) result[2] = dbias ? dbias : column_sum(dz);
  return result;
}

std::vector<Sample> samples() {
  const auto sample = [](std::string name, Activation activation, int64_t n, int64_t k, int64_t m, bool bias = true) {
    Sample s{std::move(name),
             Attributes::of(LinearAttributes{activation}),
             {sample_tensor({n, k}, 1), sample_tensor({k, m}, 2)},
             {}};
    if (bias) s.inputs.push_back(sample_tensor({m}, 3));
    return s;
  };
  return {sample("bias", Activation::kNone, 5, 33, 31),
          sample("product alone", Activation::kNone, 3, 2, 4, false),
          sample("relu", Activation::kRelu, 33, 7, 32),
          sample("sigmoid", Activation::kSigmoid, 4, 31, 1),
          sample("tanh without bias", Activation::kTanh, 2, 3, 33, false),
          sample("many rows", Activation::kRelu, 1025, 2, 3),
          sample("no rows", Activation::kRelu, 0, 4, 3)};
}

}  // namespace

Value linear(Value x, Value w, Value bias, Activation activation) {
  std::vector<Value> inputs = {x, w};
  if (bias) inputs.push_back(bias);
  return x.graph->add(kLinear, Attributes::of(LinearAttributes{activation}), std::move(inputs))[0];
}

const OpDefinition kLinear = {
    .name = "linear", .infer = infer, .gradient = gradient, .cpu = linear_cpu, .samples = samples};

}  // namespace polyscene::ops
