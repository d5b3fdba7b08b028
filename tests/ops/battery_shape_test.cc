// What an op's kernel writes against what its shape rule says: all of every output, and nothing beside it.
#include <cstring>

#include "tests/ops/battery.h"
#include "tests/support/compare.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

constexpr size_t kGuardBytes = 256;

// Memory for one output with a guard on either side, all of it 0xFF: NaN where nothing was written.
class GuardedOutput {
 public:
  GuardedOutput(DType dtype, const Shape& shape) : view_{nullptr, dtype, shape} {
    bytes_.assign(static_cast<size_t>(view_.bytes()) + 2 * kGuardBytes + 64, std::byte{0xFF});
    const auto address = reinterpret_cast<uintptr_t>(bytes_.data()) + kGuardBytes;
    view_.data = bytes_.data() + kGuardBytes + (64 - address % 64) % 64;
  }
  [[nodiscard]] const TensorView& view() const { return view_; }
  [[nodiscard]] bool guards_intact() const {
    const auto begin = static_cast<size_t>(view_.as<const std::byte>() - bytes_.data());
    const size_t end = begin + static_cast<size_t>(view_.bytes());
    for (size_t i = 0; i < bytes_.size(); ++i)
      if ((i < begin || i >= end) && bytes_[i] != std::byte{0xFF}) return false;
    return true;
  }

 private:
  TensorView view_;
  std::vector<std::byte> bytes_;
};

class ShapeBattery : public Battery {};

TEST_P(ShapeBattery, KernelFillsExactlyTheInferredShape) {
  if (GetParam().op->aliases_input) return;  // no kernel
  for (const DType floating : {DType::kFloat32, DType::kFloat64}) {
    const SampleGraph g(GetParam(), floating);
    const std::vector<Tensor> plain = g.run();
    std::vector<GuardedOutput> guarded;
    Executor executor(g.graph, g.outputs);
    for (const auto& [value, tensor] : g.feed()) executor.bind(value, tensor.view());
    for (const Value& v : g.outputs) guarded.emplace_back(v.dtype(), v.shape().resolve({}));
    for (size_t i = 0; i < guarded.size(); ++i) executor.bind(g.outputs[i], guarded[i].view());
    executor.run();
    for (size_t i = 0; i < guarded.size(); ++i) {
      EXPECT_TRUE(guarded[i].guards_intact()) << "output " << i;
      EXPECT_TRUE(same_bits(copy_of(guarded[i].view()), plain[i])) << "output " << i;
    }
  }
}

TEST_P(ShapeBattery, GradientsHaveTheTypesOfTheirInputs) {
  const SampleGraph g(GetParam(), DType::kFloat32);
  if (g.gradients.empty()) return;
  ASSERT_EQ(g.gradients.size(), g.inputs.size());
  for (size_t i = 0; i < g.inputs.size(); ++i) {
    if (!g.needed[i] || !g.gradients[i]) continue;
    EXPECT_EQ(g.gradients[i].type(), g.inputs[i].type()) << "input " << i;
  }
}

// The executor never asks for inputs one by one, but a rule that leans on `needed` being all true breaks models in
// which some inputs are data.
TEST_P(ShapeBattery, GradientOfOneInputAloneIsThatOfAll) {
  SampleGraph g(GetParam(), DType::kFloat64);
  if (g.gradients.empty()) return;
  for (size_t i = 0; i < g.inputs.size(); ++i) {
    if (!g.needed[i]) continue;
    std::vector<bool> alone(g.inputs.size());
    alone[i] = true;
    const Value other = GetParam().op->gradient.function()(
        {g.graph, GetParam().sample.attributes, g.inputs, g.outputs, g.cotangents, alone})[i];
    ASSERT_EQ(static_cast<bool>(other), static_cast<bool>(g.gradients[i])) << "input " << i;
    if (!other) continue;
    const auto results = evaluate(g.graph, {g.gradients[i], other}, g.feed());
    EXPECT_TRUE(same_bits(results[1], results[0])) << "input " << i;
  }
}

TEST_P(ShapeBattery, IntegersForFloatsAreRefusedByName) {
  if (GetParam().op->aliases_input) return;  // reshaping integers is fine
  const auto& [op, sample] = GetParam();
  for (size_t wrong = 0; wrong < sample.inputs.size(); ++wrong) {
    if (!is_floating(sample.inputs[wrong].dtype())) continue;
    Graph graph(DType::kFloat64);
    std::vector<Value> inputs;
    for (size_t i = 0; i < sample.inputs.size(); ++i)
      inputs.push_back(graph.input(str("input ", i), i == wrong ? DType::kInt64 : sample.inputs[i].dtype(),
                                   SymbolicShape(sample.inputs[i].shape())));
    const std::string message = message_of([&] { graph.add(*op, sample.attributes, inputs); });
    EXPECT_EQ(message.rfind(str("[ops.", op->name, "] wanted "), 0), 0u) << message;
    EXPECT_NE(message.find(", got "), std::string::npos) << message;
    EXPECT_NE(message.find("int64"), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, ShapeBattery, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace polyscene::testing
