#include "ops/dense/column_sum.h"

#include "ops/dense/add_bias.h"
#include "ops/dense/constant.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

Sample sample(const char* name, Shape shape) {
  return {name, Attributes::of(NoAttributes{}), {sample_tensor(shape, 1)}, {}};
}

}  // namespace

Value column_sum(Value x) { return x.graph->add(kColumnSum, Attributes::of(NoAttributes{}), {x})[0]; }

const OpDefinition kColumnSum = {
    .name = "column_sum",
    .infer = +[](const InferContext& c) -> std::vector<ValueType> {
      check_inputs(c, one_floating_type(c) && has_rank(c, 0, 2), "a floating x [N, C]");
      return {{c.inputs[0].dtype, {c.inputs[0].shape[1]}}};
    },
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {add_bias(constant(c.graph, c.inputs[0].type(), 0.0), c.gradients[0])};
    },
    .cpu = column_sum_cpu,
    .gpu = column_sum_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", {1, 1}),          sample("odd", {33, 31}),
              sample("no rows", {0, 3}),      sample("no cols", {3, 0}),
              sample("long", {1025, 16}),     sample("wide", {2, 1025}),
              sample("block edge", {256, 5}), sample("packs past a warp", {67, 132})};
    },
};

}  // namespace polyscene::ops
