#include "ops/dense/linear_gradient.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {
namespace {

constexpr const char* kNoSecond = "it is a gradient itself, and second derivatives are not supported";

std::vector<ValueType> infer_input(const InferContext& c) {
  const auto [begin, end] = c.attributes.as<LinearInputGradientAttributes>();
  const SymbolicShape &dz = c.inputs[0].shape, &w = c.inputs[1].shape;
  const bool fits = one_floating_type(c) && dz.rank() == 2 && w.rank() == 2 && dz[1] == w[1] && w[0].is_static();
  check_inputs(c, fits, "dz [N, M] and w [K, M] of one floating type with a static K");
  require(0 <= begin && begin <= end && end <= w[0].constant, "[ops.", c.op, "] wanted rows within w ", w, ", got [",
          begin, ", ", end, ")");
  return {{c.inputs[0].dtype, {dz[0], end - begin}}};
}

std::vector<ValueType> infer_weight(const InferContext& c) {
  const size_t parts = c.inputs.size() - 1;
  const auto cols = one_floating_type(c) && has_rank(c, parts, 2) ? parts_cols(c, 0, parts) : std::nullopt;
  check_inputs(c, cols && c.inputs[0].shape[0] == c.inputs[parts].shape[0],
               "parts x [N, K] and dz [N, M] of one floating type");
  return {{c.inputs[0].dtype, {*cols, c.inputs[parts].shape[1]}}};
}

std::vector<Sample> samples_input() {
  const auto sample = [](const char* name, int64_t n, int64_t m, int64_t k, int64_t begin, int64_t end) {
    return Sample{name,
                  Attributes::of(LinearInputGradientAttributes{begin, end}),
                  {sample_tensor({n, m}, 1), sample_tensor({k, m}, 2)},
                  {}};
  };
  return {sample("all", 5, 33, 31, 0, 31),     sample("first", 33, 7, 32, 0, 5),
          sample("one column", 3, 4, 9, 4, 5), sample("last of many", 1025, 2, 7, 4, 7),
          sample("nothing", 3, 2, 4, 1, 1),    sample("no rows", 0, 3, 4, 1, 3)};
}

std::vector<Sample> samples_weight() {
  const auto sample = [](const char* name, int64_t n, const std::vector<int64_t>& widths, int64_t m) {
    Sample s{name, Attributes::of(NoAttributes{}), {}, {}};
    for (int64_t width : widths) s.inputs.push_back(sample_tensor({n, width}, 10 + s.inputs.size()));
    s.inputs.push_back(sample_tensor({n, m}, 1));
    return s;
  };
  return {sample("one part", 5, {33}, 31),       sample("parts", 33, {1, 16, 1, 31}, 7),
          sample("empty part", 3, {0, 2, 0}, 4), sample("tiles across parts", 31, {60, 1, 9, 70}, 3),
          sample("long sum", 2051, {3, 1}, 2),   sample("many rows", 1025, {1, 4}, 1),
          sample("no rows", 0, {4, 1}, 3)};
}

}  // namespace

Value linear_input_gradient(Value dz, Value w, int64_t begin, int64_t end) {
  return dz.graph->add(kLinearInputGradient, Attributes::of(LinearInputGradientAttributes{begin, end}), {dz, w})[0];
}

Value linear_weight_gradient(std::vector<Value> parts, Value dz) {
  parts.push_back(dz);
  return dz.graph->add(kLinearWeightGradient, Attributes::of(NoAttributes{}), std::move(parts))[0];
}

const OpDefinition kLinearInputGradient = {
    .name = "linear_input_gradient",
    .infer = infer_input,
    .gradient = kNoSecond,
    .cpu = linear_input_gradient_cpu,
    .gpu = linear_input_gradient_gpu,
    .samples = samples_input,
};

const OpDefinition kLinearWeightGradient = {
    .name = "linear_weight_gradient",
    .infer = infer_weight,
    .gradient = kNoSecond,
    .cpu = linear_weight_gradient_cpu,
    .gpu = linear_weight_gradient_gpu,
    .samples = samples_weight,
};

}  // namespace polyscene::ops
