#include "ops/loss/bce_with_logits_gradient.h"

#include "ops/dense/infer.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const SymbolicShape& logit = c.inputs[1].shape;
  const bool ok = one_floating_type(c) && logit.rank() == 2 && logit[1] == Dim(1) && c.inputs[2].shape == logit &&
                  c.inputs[0].shape == SymbolicShape{1} && c.inputs[3].shape == SymbolicShape{1};
  check_inputs(c, ok, "dloss [1], logit [B, 1], label [B, 1] and weight [1] of one floating type");
  return {c.inputs[1]};
}

Sample sample(const char* name, int64_t batch, double logit_scale) {
  std::vector<Tensor> inputs = sample_bce_inputs(batch, logit_scale);
  inputs.insert(inputs.begin(), Tensor::of<double>({1}, {-1.5}));
  return {name, Attributes::of(NoAttributes{}), std::move(inputs), {}};
}

}  // namespace

Value bce_with_logits_gradient(Value dloss, Value logit, Value label, Value weight) {
  return logit.graph->add(kBceWithLogitsGradient, Attributes::of(NoAttributes{}), {dloss, logit, label, weight})[0];
}

const OpDefinition kBceWithLogitsGradient = {
    .name = "bce_with_logits_gradient",
    .infer = infer,
    .gradient = "second derivatives of the loss are not supported",
    .cpu = bce_with_logits_gradient_cpu,
    .gpu = bce_with_logits_gradient_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", 1, 1), sample("odd", 33, 4), sample("no rows", 0, 1), sample("long", 8195, 2),
              sample("sure", 31, 16)};
    },
};

}  // namespace polyscene::ops
