#include "ops/dense/row_sum.h"

#include "ops/dense/infer.h"
#include "ops/dense/repeat_cols.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

Sample sample(const char* name, Shape shape) {
  return {name, Attributes::of(NoAttributes{}), {sample_tensor(shape, 1)}, {}};
}

}  // namespace

Value row_sum(Value x) { return x.graph->add(kRowSum, Attributes::of(NoAttributes{}), {x})[0]; }

const OpDefinition kRowSum = {
    .name = "row_sum",
    .infer = +[](const InferContext& c) -> std::vector<ValueType> {
      check_inputs(c, one_floating_type(c) && has_rank(c, 0, 2) && has_static_cols(c, 0),
                   "a floating x [N, C] with a static C");
      return {{c.inputs[0].dtype, {c.inputs[0].shape[0], 1}}};
    },
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {repeat_cols(c.gradients[0], c.inputs[0].shape()[1].constant)};
    },
    .cpu = row_sum_cpu,
    .gpu = row_sum_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", {1, 1}),       sample("odd", {33, 31}),   sample("no rows", {0, 3}),
              sample("no cols", {3, 0}),   sample("wide", {2, 1025}), sample("long", {1025, 16}),
              sample("short rows", {5, 7})};
    },
};

}  // namespace polyscene::ops
