#include "ops/jagged/segment_sum.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/jagged/expand_rows.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  const ValueType &values = c.inputs[0], &offsets = c.inputs[1];
  check_inputs(c, is_floating(values.dtype) && has_rank(c, 0, 2) && offsets.dtype == DType::kInt32 && has_rank(c, 1, 1),
               "floating values [T, C] and int32 offsets [B + 1]");
  return {{values.dtype, {offsets.shape[0] + -1, values.shape[1]}}};
}

Sample sample(const char* name, bool mean, std::vector<int32_t> lengths, int64_t cols) {
  const Tensor offsets = sample_offsets(std::move(lengths));
  const int64_t rows = offsets.elements<int32_t>().back();
  return {name, Attributes::of(SegmentSumAttributes{mean}), {sample_tensor({rows, cols}, 1), offsets}, {}};
}

std::vector<Sample> samples() {
  return {sample("one", false, {1}, 1),
          sample("sum", false, {3, 0, 31, 1, 33}, 16),
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

Value segment_sum(Value values, Value offsets, bool mean) {
  return values.graph->add(kSegmentSum, Attributes::of(SegmentSumAttributes{mean}), {values, offsets})[0];
}

const OpDefinition kSegmentSum = {
    .name = "segment_sum",
    .infer = infer,
    .gradient = +[](const GradientContext& c) -> std::vector<Value> {
      const bool mean = c.attributes.as<SegmentSumAttributes>().mean;
      return {expand_rows(c.gradients[0], c.inputs[1], c.inputs[0].shape()[0], mean), Value{}};
    },
    .cpu = segment_sum_cpu,
    .gpu = segment_sum_gpu,
    .samples = samples,
};

}  // namespace polyscene::ops
