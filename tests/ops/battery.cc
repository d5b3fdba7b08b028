#include "tests/ops/battery.h"

#include <algorithm>
#include <cctype>

#include "ops/operators.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

// Samples hold doubles; both precisions start from the same numbers.
Tensor in_type(const Tensor& tensor, DType floating) {
  if (!is_floating(tensor.dtype())) return tensor;
  Tensor result(floating, tensor.shape());
  dispatch_floating(floating, [&]<class T>() {
    std::ranges::transform(tensor.elements<double>(), result.elements<T>().begin(),
                           [](double x) { return static_cast<T>(static_cast<float>(x)); });
  });
  return result;
}

Shape static_shape(const SymbolicShape& shape) { return shape.resolve({}); }

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const OpDefinition* op : all_ops())
    for (Sample& sample : op->samples()) cases.push_back({op, std::move(sample)});
  return cases;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = str(info.param.op->name, "__", info.param.sample.name);
  std::ranges::replace_if(
      name, [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

SampleGraph::SampleGraph(const Case& test_case, DType floating) : graph(floating) {
  const auto& [op, sample] = test_case;
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    input_data.push_back(in_type(sample.inputs[i], floating));
    const Tensor& data = input_data.back();
    inputs.push_back(graph.input(str("input ", i), data.dtype(), SymbolicShape(data.shape())));
    needed.push_back(is_floating(data.dtype()) &&
                     std::ranges::find(sample.fixed, static_cast<int>(i)) == sample.fixed.end());
  }
  outputs = graph.add(*op, sample.attributes, inputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool differentiable = is_floating(outputs[i].dtype());
    const Shape shape = static_shape(outputs[i].shape());
    cotangent_data.push_back(
        in_type(random_tensor<double>(differentiable ? shape : Shape{0}, 77 + i), outputs[i].dtype()));
    cotangents.push_back(differentiable ? graph.input(str("cotangent ", i), outputs[i].dtype(), outputs[i].shape())
                                        : Value{});
  }
  if (op->gradient.present())
    gradients = op->gradient.function()({graph, sample.attributes, inputs, outputs, cotangents, needed});
}

std::vector<Value> SampleGraph::results() const {
  std::vector<Value> values = outputs;
  std::ranges::copy_if(gradients, std::back_inserter(values), [](Value g) { return static_cast<bool>(g); });
  return values;
}

Feed SampleGraph::feed() const {
  Feed feed;
  for (size_t i = 0; i < inputs.size(); ++i) feed.emplace_back(inputs[i], input_data[i]);
  for (size_t i = 0; i < outputs.size(); ++i)
    if (cotangents[i]) feed.emplace_back(cotangents[i], cotangent_data[i]);
  return feed;
}

std::vector<Tensor> SampleGraph::run(const ExecutorOptions& options) const {
  return evaluate(graph, results(), feed(), options);
}

}  // namespace polyscene::testing
