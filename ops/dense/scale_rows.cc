#include "ops/dense/scale_rows.h"

#include "ops/dense/infer.h"
#include "ops/dense/mul.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

Sample sample(const char* name, int64_t rows, int64_t cols) {
  return {name, Attributes::of(NoAttributes{}), {sample_tensor({rows, cols}, 1), sample_tensor({rows, 1}, 2)}, {}};
}

}  // namespace

Value scale_rows(Value x, Value s) { return x.graph->add(kScaleRows, Attributes::of(NoAttributes{}), {x, s})[0]; }

const OpDefinition kScaleRows = {
    .name = "scale_rows",
    .infer = +[](const InferContext& c) -> std::vector<ValueType> {
      check_inputs(c,
                   one_floating_type(c) && has_rank(c, 0, 2) && has_static_cols(c, 0) &&
                       c.inputs[1].shape == c.inputs[0].shape.with_back(1),
                   "x [N, C] with a static C and s [N, 1] of one floating type");
      return {c.inputs[0]};
    },
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {c.needed[0] ? scale_rows(c.gradients[0], c.inputs[1]) : Value{},
              c.needed[1] ? row_sum(mul(c.gradients[0], c.inputs[0])) : Value{}};
    },
    .cpu = scale_rows_cpu,
    .gpu = scale_rows_gpu,
    .samples = +[]() -> std::vector<Sample> {
      return {sample("one", 1, 1),     sample("odd", 33, 31),    sample("no rows", 0, 3),
              sample("no cols", 3, 0), sample("long", 1025, 16), sample("wide", 2, 1025)};
    },
};

}  // namespace polyscene::ops
