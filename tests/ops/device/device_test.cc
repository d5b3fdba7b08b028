// Graphs on devices: error messages about numbers, memory and the device itself.
#include <limits>

#include "ops/base/caused_error.h"
#include "ops/dense/mul.h"
#include "ops/device/shared_library.h"
#include "ops/operators.h"
#include "tests/ops/battery.h"
#include "tests/ops/small_model.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
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

TEST(Device, MemoryThatRunsOutNamesWhoWantedItAndWhoHasIt) {
  EmulatedDevice device;
  device.limit_memory(4 << 20);
  const auto table = device.allocate(2 << 20, "the table user_id"), other = device.allocate(1 << 20, "gradients");
  EXPECT_EQ(
      message_of<DeviceError>([&] { (void)device.allocate(3 << 19, "intermediate values of the graph"); }),
      "[device] the emulated device is out of memory: wanted 1.5 MiB for intermediate values of the graph, 1.0 MiB "
      "of 4.0 MiB are free; in use by this process: 3.0 MiB (the table user_id 2.0 MiB, gradients 1.0 MiB); try a "
      "smaller batch, shorter sequences, tables in host memory or more ranks");
}

TEST(Device, ErrorsNameTheNodeTheyShowAt) {
  SmallModel m;
  EmulatedDevice device, small;
  const auto bound = [&](Device& d) {
    auto executor = std::make_unique<Executor>(m.graph, m.wanted, ExecutorOptions{.device = &d, .where = "rank 3"});
    for (const auto& [value, tensor] : m.feed) executor->bind(value, tensor.view());
    return executor;
  };
  const auto whole = bound(device);
  whole->run();
  small.limit_memory(whole->arena_bytes());  // leaves nothing for temporary memory of kernels
  const std::string message = message_of<DeviceMemoryShortage>([&] { bound(small)->run(); });
  EXPECT_NE(message.find(" for temporary values of kernels, "), std::string::npos) << message;
  EXPECT_NE(message.find("; seen at bce_with_logits#3 of inputs [4, 1], [4, 1], [1] on rank 3"), std::string::npos)
      << message;
}

TEST(Device, CountsMemoryThatIsGivenBack) {
  EmulatedDevice device;
  const auto queue = device.with_own_queue();
  device.allocate(100, "a").reset();
  const auto kept = queue->allocate(10, "b");
  EXPECT_EQ(device.use().bytes(), 10);
  EXPECT_EQ(device.use().peak_bytes(), 100);
  EXPECT_EQ(device.use().describe(), "0.0 MiB (b 0.0 MiB)");
}

// A program sees results of a device that is behind only after it asks often enough or waits. Waits are counted.
TEST(Device, CopiesOutLaterAreThereOnceTheirEventIs) {
  EmulatedDevice device;
  const auto pinned = device.allocate_pinned(4), memory = device.allocate(4, "a test");
  auto* const host = static_cast<int32_t*>(pinned.get());
  const int32_t seven = 7;
  device.copy_in(memory.get(), &seven, 4);
  device.copy_out_later(host, memory.get(), 4);
  const auto event = device.record();
  EXPECT_FALSE(event->done());
  EXPECT_NE(*host, 7);
  EXPECT_FALSE(event->done());
  EXPECT_TRUE(event->done());
  EXPECT_EQ(*host, 7);
  event->wait();
  EXPECT_EQ(device.use().waits(HostWait::kResult), 0);
  device.record()->wait();
  device.record()->wait(HostWait::kThrottle);
  EXPECT_EQ(device.use().waits(HostWait::kResult), 1);
  EXPECT_EQ(device.use().waits(HostWait::kThrottle), 1);
}

TEST(Device, ABuildWithoutCudaSaysSo) {
  EXPECT_EQ(message_of<DeviceError>([] { (void)make_cuda_device(2); }),
            "[device] wanted a CUDA device, but this program was built without CUDA; configure with "
            "-DPOLYSCENE_CUDA=ON on a host with nvcc, or use --device cpu");
}

TEST(SharedLibraries, ThatAreMissingSayWhyAndWhatToDo) {
  EXPECT_EQ(message_of<DeviceError>([] {
              (void)SharedLibrary({"libno.so.2", "libno.so.1"}, "to sort", "install it");
            }),
            "[device] no library to sort on a device: libno.so.2: cannot open shared object file: No such file or "
            "directory; libno.so.1: cannot open shared object file: No such file or directory; install it");
}

TEST(SharedLibraries, AreTheFirstThatLoadsAndGiveTheFunctionsTheyHave) {
  const SharedLibrary library({"libno.so.1", "libm.so.6"}, "to sort", "install another");
  EXPECT_EQ(library.function<double (*)(double)>("floor")(1.5), 1);
  EXPECT_EQ(message_of<DeviceError>([&] { (void)library.function<void (*)()>("no_such_function"); }),
            "[device] libm.so.6 has no function no_such_function; install another");
}

}  // namespace
}  // namespace polyscene::testing
