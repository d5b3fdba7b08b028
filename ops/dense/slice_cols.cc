#include "ops/dense/slice_cols.h"

#include "ops/dense/concat.h"
#include "ops/dense/constant.h"
#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const auto [begin, end] = c.attributes.as<SliceColsAttributes>();
  check_inputs(c, one_floating_type(c) && has_static_cols(c, 0), "a floating x [..., C] with a static C");
  const ValueType& x = c.inputs[0];
  require(0 <= begin && begin <= end && end <= x.shape.back().constant, "[ops.", c.op, "] wanted columns within x ",
          x.shape, ", got [", begin, ", ", end, ")");
  return {{x.dtype, x.shape.with_back(end - begin)}};
}

std::vector<Value> gradient(const GradientContext& c) {
  const auto [begin, end] = c.attributes.as<SliceColsAttributes>();
  const ValueType& x = c.inputs[0].type();
  const auto zeros = [&](int64_t cols) { return constant(c.graph, {x.dtype, x.shape.with_back(cols)}, 0); };
  return {concat({zeros(begin), c.gradients[0], zeros(x.shape.back().constant - end)})};
}

Sample sample(const char* name, Shape shape, int64_t begin, int64_t end) {
  return {name, Attributes::of(SliceColsAttributes{begin, end}), {sample_tensor(shape, 1)}, {}};
}

std::vector<Sample> samples() {
  return {sample("middle", {3, 7}, 2, 5),      sample("first", {33, 31}, 0, 16), sample("last", {1025, 4}, 3, 4),
          sample("all", {1, 1}, 0, 1),         sample("nothing", {3, 7}, 4, 4),  sample("no rows", {0, 7}, 2, 5),
          sample("rank 3", {2, 3, 33}, 1, 33), sample("rank 1", {33}, 1, 32)};
}

}  // namespace

Value slice_cols(Value x, int64_t begin, int64_t end) {
  return x.graph->add(kSliceCols, Attributes::of(SliceColsAttributes{begin, end}), {x})[0];
}

const OpDefinition kSliceCols = {.name = "slice_cols",
                                 .infer = infer,
                                 .gradient = gradient,
                                 .cpu = slice_cols_cpu,
                                 .gpu = slice_cols_gpu,
                                 .samples = samples};

}  // namespace polyscene::ops
