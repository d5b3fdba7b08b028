#include "ops/dense/repeat_cols.h"

#include "ops/dense/infer.h"
#include "ops/dense/reshape.h"
#include "ops/dense/row_sum.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const int64_t times = c.attributes.as<RepeatColsAttributes>().times;
  check_inputs(c, one_floating_type(c) && has_rank(c, 0, 2) && has_static_cols(c, 0),
               "a floating x [N, G] with a static G");
  require(times >= 0, "[ops.repeat_cols] wanted times >= 0, got ", times);
  return {{c.inputs[0].dtype, c.inputs[0].shape.with_back(c.inputs[0].shape.back() * times)}};
}

// Reshaped, every group of `times` columns is a row of its own.
std::vector<Value> gradient(const GradientContext& c) {
  const SymbolicShape& x = c.inputs[0].shape();
  const Dim groups = x[0] * x[1].constant;
  const Value rows = reshape(c.gradients[0], {groups, c.attributes.as<RepeatColsAttributes>().times});
  return {reshape(row_sum(rows), x)};
}

Sample sample(const char* name, int64_t rows, int64_t groups, int64_t times) {
  return {name, Attributes::of(RepeatColsAttributes{times}), {sample_tensor({rows, groups}, 1)}, {}};
}

std::vector<Sample> samples() {
  return {sample("one", 1, 1, 1),     sample("odd", 33, 3, 31),     sample("fields", 5, 7, 16),
          sample("no rows", 0, 3, 2), sample("no groups", 3, 0, 2), sample("no times", 3, 2, 0),
          sample("row", 2, 1, 1025),  sample("long", 1025, 2, 8)};
}

}  // namespace

Value repeat_cols(Value x, int64_t times) {
  return x.graph->add(kRepeatCols, Attributes::of(RepeatColsAttributes{times}), {x})[0];
}

const OpDefinition kRepeatCols = {.name = "repeat_cols",
                                  .infer = infer,
                                  .gradient = gradient,
                                  .cpu = repeat_cols_cpu,
                                  .gpu = repeat_cols_gpu,
                                  .samples = samples};

}  // namespace polyscene::ops
