// Runs recorded as device graphs must give the numbers of runs node by node, whatever their memory held before.
#include <gtest/gtest.h>

#include "ops/graph/executor.h"
#include "tests/ops/small_model.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::testing {
namespace {

// The inputs of a SmallModel on a device, with different numbers in each run.
class Captured {
 public:
  explicit Captured(SmallModel& model) : model_(model), executor_(model.graph, model.wanted, {.device = &device}) {
    for (const auto& [value, tensor] : model.feed)
      executor_.bind(value, tensor.view());  // the host's memory is the device's
  }
  // Runs on the model's current inputs; the result must equal that of the CPU.
  void run_and_compare() {
    executor_.run(true);
    const auto want = evaluate(model_.graph, model_.wanted, model_.feed);
    for (size_t i = 0; i < want.size(); ++i) {
      const TensorView got = executor_.result(model_.wanted[i]);
      EXPECT_EQ(got.shape, want[i].shape());
      EXPECT_TRUE(all_close(Tensor::of<float>(got.shape, got.elements<const float>()), want[i],
                            {.relative = 1e-5, .absolute = 1e-6}))
          << "result " << i;
    }
  }
  void change(double factor) {
    for (float& x : model_.feed[0].second.elements<float>()) x = static_cast<float>(x * factor);
  }
  void rebind(const Tensor& x) {
    model_.feed[0].second = x;
    executor_.bind(model_.feed[0].first, x.view());
  }
  EmulatedDevice device;
  [[nodiscard]] Executor& executor() { return executor_; }

 private:
  SmallModel& model_;
  Executor executor_;
};

TEST(Capture, RecordsTheSecondRunAndReplaysTheOthers) {
  SmallModel model;
  Captured captured(model);
  for (int run = 0; run < 4; ++run) {
    captured.run_and_compare();
    captured.change(1.5);
  }
  EXPECT_EQ(captured.executor().recorded(), 1);
  EXPECT_EQ(captured.executor().replayed(), 2);
}

TEST(Capture, EveryPlaceOfTheInputsHasItsRecording) {
  SmallModel model;
  Captured captured(model);
  const Tensor x = model.feed[0].second, other = x.clone();
  for (int run = 0; run < 8; ++run) {
    captured.rebind(run % 2 == 0 ? x : other);
    captured.run_and_compare();
    captured.change(-1.25);
  }
  EXPECT_EQ(captured.executor().recorded(), 2);
  EXPECT_EQ(captured.executor().replayed(), 4);
}

// Larger shapes move the arena and the kernels' temporary memory, so earlier recordings must be made again.
TEST(Capture, RecordsAgainOnceMemoryHasMoved) {
  SmallModel model(3);
  Captured captured(model);
  const Tensor small = model.feed[0].second, large = random_tensor<float>({4000, 3}, 9);
  const auto with = [&](const Tensor& x, int32_t first) {
    model.feed[1].second.elements<int32_t>()[1] = model.feed[1].second.elements<int32_t>()[2] = first;
    model.feed[1].second.elements<int32_t>()[3] = first + 1;
    model.feed[1].second.elements<int32_t>()[4] = static_cast<int32_t>(x.shape()[0]);
    captured.rebind(x);
    captured.run_and_compare();
  };
  for (int run = 0; run < 3; ++run) with(small, 3);
  EXPECT_EQ(captured.executor().recorded(), 1);
  for (int run = 0; run < 3; ++run) with(large, 2000);
  EXPECT_EQ(captured.executor().recorded(), 2);
  for (int run = 0; run < 3; ++run) with(small, 3);
  EXPECT_EQ(captured.executor().recorded(), 3);
  EXPECT_EQ(captured.executor().replayed(), 3);
}

// In a run node by node, a callback is called as soon as its outputs are queued; in a recorded run, callbacks are
// called after the whole run, in the same order.
TEST(Capture, WorksAreCalledOnceTheirOutputsAreQueued) {
  SmallModel model;
  Captured captured(model);
  std::string called;
  const std::vector<Value>& wanted = model.wanted;  // gradients of x, w1, b1, w2; the loss
  captured.executor().after(std::vector{wanted[1], wanted[3]}, [&] { called += "w"; });
  captured.executor().after(std::vector{wanted[4]}, [&] { called += "l"; });
  captured.executor().after(std::vector{wanted[0]}, [&] { called += "x"; });
  for (int run = 0; run < 4; ++run) {
    called.clear();
    captured.run_and_compare();
    EXPECT_EQ(called, "lwx") << "run " << run;
  }
  EXPECT_EQ(captured.executor().replayed(), 2);
}

TEST(Capture, WhatCannotBeRecordedIsRefused) {
  EmulatedDevice device;
  const auto memory = device.allocate(4, "a test");
  int32_t host = 0;
  EXPECT_THROW((void)device.capture([&] { (void)device.allocate(4, "a test"); }), DeviceError);
  EXPECT_THROW((void)device.capture([&] { device.copy_in(memory.get(), &host, 4); }), DeviceError);
  EXPECT_THROW((void)device.capture([&] { device.copy_out(&host, memory.get(), 4); }), DeviceError);
  device.copy_in(memory.get(), &host, 4);
}

}  // namespace
}  // namespace polyscene::testing
