// Every gradient rule against central differences, in double.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ops/base/philox.h"
#include "tests/ops/battery.h"
#include "tests/ops/tolerances.h"

namespace polyscene::testing {
namespace {

constexpr double kStep = 6e-6;  // the cube root of double's precision: truncation and rounding errors meet there
constexpr size_t kCheckAll = 40, kCheckSome = 16;

// All elements of a small input; the first, the last and a random few of a large one.
std::vector<size_t> elements_to_check(size_t size) {
  std::vector<size_t> at(std::min(size, kCheckAll));
  std::iota(at.begin(), at.end(), size_t{0});
  if (size <= kCheckAll) return at;
  at.resize(kCheckSome);
  PhiloxStream random(size);
  std::ranges::generate(at, [&] { return random.next_below(size); });
  at.front() = 0;
  at.back() = size - 1;
  return at;
}

// The forward part of a sample, to be run again after each change of an input.
class Forward {
 public:
  explicit Forward(const SampleGraph& g) : g_(g), executor_(g.graph, g.outputs) {
    for (const auto& [value, tensor] : g.feed()) executor_.bind(value, tensor.view());
  }
  // The derivative of sum(outputs * cotangents) in the direction of one element.
  [[nodiscard]] double central_difference(double& x) {
    const double middle = x, step = kStep * std::max(1.0, std::abs(x));
    x = middle + step;
    const std::vector<Tensor> above = run();
    x = middle - step;
    const std::vector<Tensor> below = run();
    x = middle;
    double sum = 0;
    for (size_t k = 0; k < above.size(); ++k) {
      if (!g_.cotangents[k]) continue;
      const auto a = above[k].elements<double>(), b = below[k].elements<double>();
      const auto weight = g_.cotangent_data[k].elements<double>();
      for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * weight[i];  // differences first: less cancellation
    }
    return sum / ((middle + step) - (middle - step));
  }

 private:
  std::vector<Tensor> run() {
    executor_.run();
    std::vector<Tensor> results;
    for (const Value& v : g_.outputs) results.push_back(copy_of(executor_.result(v)));
    return results;
  }
  const SampleGraph& g_;
  Executor executor_;
};

class GradientBattery : public Battery {};

TEST_P(GradientBattery, RuleMatchesCentralDifferences) {
  if (!GetParam().op->gradient.present()) return;  // stated, with its reason: see the completeness test
  const SampleGraph g(GetParam(), DType::kFloat64);
  const Tolerance tolerance = tolerance_of(GetParam().op->name).gradient;
  Forward forward(g);
  for (size_t i = 0; i < g.inputs.size(); ++i) {
    if (!g.needed[i]) continue;
    const auto x = g.input_data[i].elements<double>();
    Tensor rule(DType::kFloat64, g.input_data[i].shape());  // no value means zero
    if (g.gradients[i]) rule = evaluate(g.graph, {g.gradients[i]}, g.feed())[0];
    double largest = 1;
    for (double v : rule.elements<double>()) largest = std::max(largest, std::abs(v));
    for (const size_t at : elements_to_check(x.size()))
      EXPECT_TRUE(close(rule.elements<double>()[at], forward.central_difference(x[at]),
                        {tolerance.relative, tolerance.absolute * largest}))
          << "input " << i << " element " << at << ": the rule says " << rule.elements<double>()[at]
          << ", central differences " << forward.central_difference(x[at]);
  }
}

// A loss may depend on some outputs only: the rule is then called with no gradient for the others, and the gradients
// for one output at a time add up to those for all.
TEST_P(GradientBattery, GradientsAddOverOutputs) {
  SampleGraph g(GetParam(), DType::kFloat64);
  if (g.gradients.empty() || g.outputs.size() == 1) return;
  for (size_t i = 0; i < g.inputs.size(); ++i) {
    if (!g.needed[i] || !g.gradients[i]) continue;
    const Tensor all = evaluate(g.graph, {g.gradients[i]}, g.feed())[0];
    Tensor sum(DType::kFloat64, all.shape());
    for (size_t k = 0; k < g.outputs.size(); ++k) {
      if (!g.cotangents[k]) continue;
      std::vector<Value> one(g.outputs.size());
      one[k] = g.cotangents[k];
      const Value part = GetParam().op->gradient.function()(
          {g.graph, GetParam().sample.attributes, g.inputs, g.outputs, one, g.needed})[i];
      if (!part) continue;
      const Tensor values = evaluate(g.graph, {part}, g.feed())[0];
      std::ranges::transform(sum.elements<double>(), values.elements<double>(), sum.elements<double>().begin(),
                             std::plus<>());
    }
    EXPECT_TRUE(all_close(sum, all, {.relative = 1e-10, .absolute = 1e-10})) << "input " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, GradientBattery, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace polyscene::testing
