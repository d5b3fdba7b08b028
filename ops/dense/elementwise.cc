#include "ops/dense/elementwise.h"

#include "ops/dense/infer.h"
#include "ops/dense/samples.h"

namespace polyscene::ops {

std::vector<ValueType> infer_same_shape(const InferContext& context) {
  const bool one_shape =
      std::ranges::all_of(context.inputs, [&](const ValueType& t) { return t.shape == context.inputs[0].shape; });
  check_inputs(context, one_shape && one_floating_type(context), "inputs of one shape and one floating type");
  return {context.inputs[0]};
}

std::vector<Sample> samples_floats(int inputs, const Attributes& attributes) {
  const std::pair<const char*, Shape> shapes[] = {{"one", {1}},         {"empty", {0, 3}}, {"odd", {33, 31}},
                                                  {"rank3", {2, 3, 5}}, {"long", {1025}},  {"chunks", {16387}}};
  std::vector<Sample> samples;
  for (const auto& [name, shape] : shapes) {
    Sample sample{name, attributes, {}, {}};
    for (int i = 0; i < inputs; ++i) sample.inputs.push_back(sample_tensor(shape, samples.size() * 16 + i));
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::vector<Sample> samples_one_float() { return samples_floats(1, Attributes::of(NoAttributes{})); }
std::vector<Sample> samples_two_floats() { return samples_floats(2, Attributes::of(NoAttributes{})); }

}  // namespace polyscene::ops
