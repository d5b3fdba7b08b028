#include "ops/loss/bce_with_logits.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/loss/bce_with_logits_gradient.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const SymbolicShape& logit = c.inputs[0].shape;
  const bool ok = one_floating_type(c) && logit.rank() == 2 && logit[1] == Dim(1) && c.inputs[1].shape == logit &&
                  c.inputs[2].shape == SymbolicShape{1};
  check_inputs(c, ok, "logit [B, 1], label [B, 1] and weight [1] of one floating type");
  return {c.inputs[2]};
}

std::vector<Value> gradient(const GradientContext& c) {
  require(!c.needed[1] && !c.needed[2],
          "[ops.bce_with_logits] wanted label and weight that need no gradient, got one that does; try stop_gradient");
  return {bce_with_logits_gradient(c.gradients[0], c.inputs[0], c.inputs[1], c.inputs[2]), Value{}, Value{}};
}

}  // namespace

std::vector<Tensor> sample_bce_inputs(int64_t batch, double logit_scale) {
  const Tensor logit = sample_tensor({batch, 1}, 1), label = sample_tensor({batch, 1}, 2);
  for (double& z : logit.elements<double>()) z *= logit_scale;
  const std::span<double> labels = label.elements<double>();
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = i % 5 == 4 ? -1 : labels[i] > 0 ? 1 : 0;
  return {logit, label, Tensor::of<double>({1}, {0.125})};
}

Value bce_with_logits(Value logit, Value label, Value weight) {
  return logit.graph->add(kBceWithLogits, Attributes::of(NoAttributes{}), {logit, label, weight})[0];
}

const OpDefinition kBceWithLogits = {
    .name = "bce_with_logits",
    .infer = infer,
    .gradient = gradient,
    .cpu = bce_with_logits_cpu,
    .gpu = bce_with_logits_gpu,
    .samples = +[]() -> std::vector<Sample> {
      const auto sample = [](const char* name, int64_t batch, double logit_scale) {
        return Sample{name, Attributes::of(NoAttributes{}), sample_bce_inputs(batch, logit_scale), {1, 2}};
      };
      return {sample("one", 1, 1), sample("odd", 33, 4), sample("no rows", 0, 1), sample("long", 8195, 2),
              sample("sure", 31, 16)};
    },
};

}  // namespace polyscene::ops
