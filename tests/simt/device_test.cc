// Graphs on devices: what is said where numbers, memory or the device itself are not what they should be.
#include <limits>

#include "ops/dense/mul.h"
#include "ops/graph/registry.h"
#include "tests/ops/battery.h"
#include "tests/simt/emulated_device.h"
#include "tests/simt/small_model.h"
#include "tests/support/compare.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

TEST(Device, NumbersThatAreNotFiniteAreFoundThere) {
  SmallModel m;
  EmulatedDevice device;
  m.feed[0].second.elements<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  const std::string message = message_of<Error>(
      [&] { (void)evaluate(m.graph, m.wanted, m.feed, {.device = &device, .check_finite = true, .where = "rank 3"}); });
  EXPECT_EQ(message.rfind("[ops.executor] rank 3: output 0 of dap#0 ", 0), 0u) << message;
}

TEST(Device, MemoryThatKernelsCannotReadIsRefused) {
  const SmallModel m;
  EmulatedDevice device;
  Executor executor(m.graph, m.wanted, {.device = &device});
  TensorView off = m.feed[0].second.view();
  off.data = off.as<float>() + 1;
  EXPECT_EQ(message_of([&] { executor.bind(m.feed[0].first, off); }),
            "[ops.executor] x wants memory on a multiple of 16 bytes on a device");
}

TEST(Device, DoublesAreRefused) {
  Graph graph(DType::kFloat64);
  EmulatedDevice device;
  const Value x = graph.input("x", DType::kFloat64, {3});
  EXPECT_EQ(message_of([&] { Executor(graph, {ops::mul(x, x)}, {.device = &device}); }),
            "[ops.executor] mul#0 is float64; devices compute in float32");
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
