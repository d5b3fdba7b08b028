#include "ops/dense/add_bias.h"

#include "ops/dense/column_sum.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

Sample sample(const char* name, int64_t rows, int64_t cols) {
  return {name, Attributes::of(NoAttributes{}), {sample_tensor({rows, cols}, 1), sample_tensor({cols}, 2)}, {}};
}

}  // namespace

Value add_bias(Value x, Value b) { return x.graph->add(kAddBias, Attributes::of(NoAttributes{}), {x, b})[0]; }

const OpDefinition kAddBias = {
    .name = "add_bias",
    .infer = +[](const InferContext& c) -> std::vector<ValueType> {
      check_inputs(c,
                   one_floating_type(c) && has_rank(c, 0, 2) && has_rank(c, 1, 1) &&
                       c.inputs[0].shape[1] == c.inputs[1].shape[0],
                   "x [N, C] and b [C] of one floating type");
      return {c.inputs[0]};
    },
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {c.gradients[0], c.needed[1] ? column_sum(c.gradients[0]) : Value{}};
    },
    .cpu = add_bias_cpu,
    .gpu = add_bias_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", 1, 1),     sample("odd", 33, 31),    sample("no rows", 0, 3),
              sample("no cols", 3, 0), sample("long", 1025, 16), sample("wide", 2, 1025)};
    },
};

}  // namespace polyscene::ops
