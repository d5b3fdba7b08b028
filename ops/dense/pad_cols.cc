#include "ops/dense/pad_cols.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/dense/slice_cols.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const auto [before, after] = c.attributes.as<PadColsAttributes>();
  check_inputs(c, one_floating_type(c) && has_static_cols(c, 0), "a floating x [..., C] with a static C");
  require(before >= 0 && after >= 0, "[ops.", c.op, "] wanted no negative counts of columns, got ", before, " and ",
          after);
  const ValueType& x = c.inputs[0];
  return {{x.dtype, x.shape.with_back(before + x.shape.back().constant + after)}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const int64_t before = c.attributes.as<PadColsAttributes>().before;
  return {slice_cols(c.gradients[0], before, before + c.inputs[0].shape().back().constant)};
}

Sample sample(const char* name, Shape shape, int64_t before, int64_t after) {
  return {name, Attributes::of(PadColsAttributes{before, after}), {sample_tensor(shape, 1)}, {}};
}

std::vector<Sample> samples() {
  return {sample("both", {3, 7}, 2, 5),      sample("before", {33, 31}, 1, 0), sample("after", {1025, 2}, 0, 3),
          sample("neither", {1, 1}, 0, 0),   sample("no cols", {3, 0}, 1, 1),  sample("no rows", {0, 7}, 2, 5),
          sample("rank 3", {2, 3, 4}, 1, 1), sample("rank 1", {33}, 31, 0)};
}

}  // namespace

Value pad_cols(Value x, int64_t before, int64_t after) {
  return x.graph->add(kPadCols, Attributes::of(PadColsAttributes{before, after}), {x})[0];
}

const OpDefinition kPadCols = {
    .name = "pad_cols", .infer = infer, .gradient = gradient, .cpu = pad_cols_cpu, .samples = samples};

}  // namespace polyscene::ops
