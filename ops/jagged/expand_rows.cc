#include "ops/jagged/expand_rows.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/segment_sum.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType &x = c.inputs[0], &offsets = c.inputs[1];
  check_inputs(c,
               is_floating(x.dtype) && has_rank(c, 0, 2) && offsets.dtype == DType::kInt32 && has_rank(c, 1, 1) &&
                   x.shape[0] + 1 == offsets.shape[0],
               "floating x [B, C] and int32 offsets [B + 1]");
  return {{x.dtype, {c.attributes.as<ExpandRowsAttributes>().rows, x.shape[1]}}};
}

Sample sample(const char* name, bool mean, std::vector<int32_t> lengths, int64_t cols) {
  const auto segments = std::ssize(lengths);
  const Tensor offsets = sample_offsets(std::move(lengths));
  const ExpandRowsAttributes attributes{offsets.elements<int32_t>().back(), mean};
  return {name, Attributes::of(attributes), {sample_tensor({segments, cols}, 1), offsets}, {}};
}

std::vector<Sample> samples() {
  return {sample("one", false, {1}, 1),
          sample("copy", false, {3, 0, 31, 1, 33}, 16),
          sample("mean", true, {3, 0, 31, 1, 33}, 16),
          sample("wide", false, {2, 5}, 33),
          sample("even", false, {2, 0, 3}, 66),
          sample("divisible by four", true, {2, 0, 3}, 132),
          sample("long mean", true, {1025, 2}, 8),
          sample("all empty", true, {0, 0, 0}, 3),
          sample("no segments", false, {}, 3),
          sample("no cols", false, {2, 1}, 0),
          sample("many", true, std::vector<int32_t>(1025, 2), 2)};
}

}  // namespace

Value expand_rows(Value x, Value offsets, Dim rows, bool mean) {
  return x.graph->add(kExpandRows, Attributes::of(ExpandRowsAttributes{rows, mean}), {x, offsets})[0];
}

const OpDefinition kExpandRows = {
    .name = "expand_rows",
    .infer = infer,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      return {segment_sum(c.gradients[0], c.inputs[1], c.attributes.as<ExpandRowsAttributes>().mean), Value{}};
    },
    .cpu = expand_rows_cpu,
    .gpu = expand_rows_gpu,
    .samples = samples,
};

}  // namespace polyscene::ops
