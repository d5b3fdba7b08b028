// Compares the dense optimiser of devices with that of the CPU.
#include "ops/optim/device_optimizer.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

using Kind = DenseOptimizerOptions::Kind;

constexpr int64_t kSize = 16400;  // more than one block of the norm's kernel

struct OptimizerOnDevice {
  EmulatedDevice device;
  Tensor params, grads{DType::kFloat32, {kSize}}, loss{DType::kFloat32, {1}};
  std::shared_ptr<void> memory = device.allocate(sizeof(StepReport), "a test");

  StepReport step(DeviceOptimizer& optimizer, double factor) {
    optimizer.step(params.elements<float>().data(), grads.elements<float>().data(), loss.elements<float>().data(),
                   factor);
    StepReport report;
    device.copy_out(&report, optimizer.report(), sizeof(report));
    return report;
  }
};

// Groups of 16, alternately with and without weight decay.
std::vector<bool> every_other_group() {
  std::vector<bool> decay(kSize);
  for (size_t i = 0; i < decay.size(); ++i) decay[i] = i / 16 % 2 == 0;
  return decay;
}

class DeviceOptimizerKinds : public ::testing::TestWithParam<Kind> {};

TEST_P(DeviceOptimizerKinds, TakesTheStepsOfTheCpu) {
  const DenseOptimizerOptions options{.kind = GetParam(), .learning_rate = 0.01, .weight_decay = 0.1};
  constexpr double kClip = 20;  // clips the first and third step (norm near 74) and not the second
  OptimizerOnDevice d;
  d.params = random_tensor<float>({kSize}, 1);
  Tensor params(DType::kFloat32, {kSize});
  std::ranges::copy(d.params.elements<float>(), params.elements<float>().begin());
  DenseOptimizer cpu(options, every_other_group());
  DeviceOptimizer optimizer(options, every_other_group(), kClip, d.device);
  for (int step = 0; step < 3; ++step) {
    d.grads = random_tensor<float>({kSize}, static_cast<uint64_t>(10 + step));
    if (step == 1)
      for (float& g : d.grads.elements<float>()) g *= 0.01f;
    d.loss.elements<float>()[0] = static_cast<float>(step);
    Tensor grads(DType::kFloat32, {kSize});
    std::ranges::copy(d.grads.elements<float>(), grads.elements<float>().begin());

    const StepReport report = d.step(optimizer, 0.5);
    const double norm = global_norm(grads.elements<const float>());
    EXPECT_NEAR(report.norm, norm, 1e-12 * norm);
    EXPECT_EQ(report.loss, static_cast<float>(step));
    EXPECT_EQ(report.stopped, 0);
    EXPECT_EQ(report.scale < 1, step != 1);
    clip_to_norm(grads.elements<float>(), norm, kClip);
    cpu.step(params.elements<float>(), grads.elements<const float>(), 0.5);
    EXPECT_TRUE(all_close(d.params, params, {.relative = 1e-6, .absolute = 1e-7})) << "step " << step;
  }
}

constexpr std::array kNames = {"adam", "adamw", "adagrad", "sgd"};  // by kind
INSTANTIATE_TEST_SUITE_P(Kinds, DeviceOptimizerKinds,
                         ::testing::Values(Kind::kAdam, Kind::kAdamW, Kind::kAdagrad, Kind::kSgd),
                         [](const auto& test) { return kNames[static_cast<size_t>(test.param)]; });

TEST(DeviceOptimizer, StopsForGoodAtAGradientThatIsNotFinite) {
  OptimizerOnDevice d;
  d.params = random_tensor<float>({kSize}, 1);
  const std::vector<float> before(d.params.elements<float>().begin(), d.params.elements<float>().end());
  DeviceOptimizer optimizer({}, std::vector<bool>(kSize), 0, d.device);
  d.grads = random_tensor<float>({kSize}, 2);
  d.grads.elements<float>()[kSize - 1] = std::numeric_limits<float>::quiet_NaN();
  d.loss.elements<float>()[0] = 3;
  EXPECT_EQ(d.step(optimizer, 1).stopped, 1);
  d.grads.elements<float>()[kSize - 1] = 0;
  d.loss.elements<float>()[0] = 4;
  const StepReport report = d.step(optimizer, 1);
  EXPECT_EQ(report.stopped, 2);
  EXPECT_TRUE(std::isnan(report.norm));
  EXPECT_EQ(report.loss, 3);
  EXPECT_TRUE(std::isnan(optimizer.stopped_at()[kSize - 1]));
  EXPECT_EQ(optimizer.stopped_at()[0], d.grads.elements<float>()[0]);
  EXPECT_TRUE(std::ranges::equal(d.params.elements<float>(), before));
}

}  // namespace
}  // namespace polyscene::testing
