// Graphs on devices: the same numbers as on the CPU, and what is said where there is no device.
#include <limits>

#include "ops/dense/linear.h"
#include "ops/dense/mul.h"
#include "ops/graph/autodiff.h"
#include "ops/graph/registry.h"
#include "ops/jagged/dap.h"
#include "ops/loss/bce_with_logits.h"
#include "tests/ops/battery.h"
#include "tests/simt/emulated_device.h"
#include "tests/support/compare.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

// Pooled rows, two layers, a loss, and the gradients of all that is trained.
struct SmallModel {
  SmallModel() {
    const Dim batch = graph.symbol("batch"), rows = graph.symbol("rows");
    const Value x = input("x", random_tensor<float>({12, 3}, 1), {rows, 3});
    const Value offsets = input("offsets", Tensor::of<int32_t>({5}, {0, 5, 5, 6, 12}), {batch + 1});
    const Value label = input("label", Tensor::of<float>({4, 1}, {1, 0, 0, 1}), {batch, 1});
    const Value weight = input("weight", Tensor::of<float>({1}, {0.25f}), {1});
    const Value w1 = parameter("w1", {6, 5}, 2), b1 = parameter("b1", {5}, 3), w2 = parameter("w2", {5, 1}, 4);
    const Value hidden = ops::linear(ops::dap(x, offsets), w1, b1, ops::Activation::kTanh);
    const Value loss = ops::bce_with_logits(ops::linear(hidden, w2), label, weight);
    wanted = gradients(loss, std::vector{x, w1, b1, w2});
    wanted.push_back(loss);
  }
  Value input(std::string name, Tensor data, SymbolicShape shape) {
    const Value v = graph.input(std::move(name), data.dtype(), shape);
    feed.emplace_back(v, std::move(data));
    return v;
  }
  Value parameter(std::string name, SymbolicShape shape, uint64_t seed) {
    const Value v = graph.parameter(std::move(name), shape, Init::kZeros);
    feed.emplace_back(v, random_tensor<float>(shape.resolve({}), seed));
    return v;
  }
  Graph graph;
  Feed feed;
  std::vector<Value> wanted;
};

TEST(Device, RunsAGraphAsTheCpuDoes) {
  const SmallModel m;
  EmulatedDevice device;
  const auto want = evaluate(m.graph, m.wanted, m.feed);
  const auto got = evaluate(m.graph, m.wanted, m.feed, {.device = &device, .check_finite = true});
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(all_close(got[i], want[i], {.relative = 1e-5, .absolute = 1e-6})) << "result " << i;
}

TEST(Device, NumbersThatAreNotFiniteAreFoundThere) {
  SmallModel m;
  EmulatedDevice device;
  m.feed[0].second.elements<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  const std::string message = message_of<Error>(
      [&] { (void)evaluate(m.graph, m.wanted, m.feed, {.device = &device, .check_finite = true, .where = "rank 3"}); });
  EXPECT_EQ(message.rfind("[ops.executor] rank 3: output 0 of dap#0 ", 0), 0u) << message;
}

TEST(Device, EveryOperatorHasAKernelOrNeedsNone) {
  for (const OpDefinition* op : all_ops()) EXPECT_EQ(op->gpu != nullptr, !op->aliases_input) << op->name;
}

TEST(Device, ABuildWithoutCudaSaysSo) {
  EXPECT_EQ(
      message_of<DeviceError>([] { (void)make_cuda_device(2); }),
      "[device] wanted CUDA device 2, but this program was built without CUDA; configure with -DPOLYSCENE_CUDA=ON "
      "where nvcc is, or run on the CPU");
}

}  // namespace
}  // namespace polyscene::testing
