#include "ops/dense/concat.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"
#include "ops/dense/slice_cols.h"

namespace polyscene::ops {
namespace {

std::vector<ValueType> infer(const InferContext& c) {
  bool ok = one_floating_type(c);
  int64_t cols = 0;
  for (size_t i = 0; i < c.inputs.size() && ok; ++i) {
    ok = has_static_cols(c, i) && c.inputs[i].shape.with_back(0) == c.inputs[0].shape.with_back(0);
    if (ok) cols += c.inputs[i].shape.back().constant;
  }
  check_inputs(c, ok, "parts of one floating type that differ only in a static last extent");
  return {{c.inputs[0].dtype, c.inputs[0].shape.with_back(cols)}};
}

std::vector<Value> gradient(const GradientContext& c) {
  std::vector<Value> result(c.inputs.size());
  int64_t begin = 0;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const int64_t end = begin + c.inputs[i].shape().back().constant;
    if (c.needed[i]) result[i] = slice_cols(c.gradients[0], begin, end);
    begin = end;
  }
  return result;
}

Sample sample(const char* name, const std::vector<Shape>& shapes) {
  Sample s{name, Attributes::of(NoAttributes{}), {}, {}};
  for (const Shape& shape : shapes) s.inputs.push_back(sample_tensor(shape, s.inputs.size()));
  return s;
}

std::vector<Sample> samples() {
  return {sample("one part", {{2, 3}}),
          sample("fields", {{33, 16}, {33, 1}, {33, 16}, {33, 31}}),
          sample("empty part", {{3, 2}, {3, 0}, {3, 8}}),
          sample("no rows", {{0, 3}, {0, 32}}),
          sample("rank 1", {{5}, {1025}}),
          sample("rank 3", {{2, 3, 4}, {2, 3, 1}}),
          sample("chunks", {{4099, 3}, {4099, 5}})};
}

}  // namespace

Value concat(std::vector<Value> parts) {
  require(!parts.empty(), "[ops.concat] wanted at least one part, got none");
  if (parts.size() == 1) return parts[0];
  Graph& graph = *parts[0].graph;
  return graph.add(kConcat, Attributes::of(NoAttributes{}), std::move(parts))[0];
}

const OpDefinition kConcat = {
    .name = "concat", .infer = infer, .gradient = gradient, .cpu = concat_cpu, .gpu = concat_gpu, .samples = samples};

}  // namespace polyscene::ops
