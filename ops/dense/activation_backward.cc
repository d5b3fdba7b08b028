#include "ops/dense/activation_backward.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType& y = c.inputs[0];
  check_inputs(c, one_floating_type(c) && has_rank(c, 0, 2) && c.inputs[1] == y,
               "two matrices of one shape and floating type");
  return {y, {y.dtype, {y.shape[1]}}};
}

std::vector<Sample> samples() {
  const auto sample = [](std::string name, Activation activation, Shape shape) {
    return Sample{std::move(name),
                  Attributes::of(ActivationBackwardAttributes{activation}),
                  {sample_tensor(shape, 1), sample_tensor(shape, 2)},
                  {}};
  };
  return {sample("none", Activation::kNone, {3, 5}), sample("relu", Activation::kRelu, {33, 31}),
          sample("sigmoid", Activation::kSigmoid, {1025, 2}), sample("tanh", Activation::kTanh, {1, 33}),
          sample("no rows", Activation::kRelu, {0, 3})};
}

}  // namespace

ActivationGradients activation_backward(Value y, Value dy, Activation activation) {
  const auto outputs =
      y.graph->add(kActivationBackward, Attributes::of(ActivationBackwardAttributes{activation}), {y, dy});
  return {outputs[0], outputs[1]};
}

const OpDefinition kActivationBackward = {
    .name = "activation_backward",
    .infer = infer,
    .gradient = "it is a gradient itself, and second derivatives are not supported",
    .cpu = activation_backward_cpu,
    .gpu = activation_backward_gpu,
    .samples = samples,
};

}  // namespace polyscene::ops
