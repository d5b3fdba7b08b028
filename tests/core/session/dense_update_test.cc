// The dense update of the host and that of a device, step by step.
#include "core/session/dense_update.h"

#include <gtest/gtest.h>

#include <limits>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/support/compare.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

constexpr int64_t kLag = 8;

struct Update {
  explicit Update(bool on_device)
      : model(build_model(experiment, core::FeatureSchema::from(experiment.data()))),
        parameters(*model.graph, 1,
                   on_device ? core::device_buffers(device) : core::MakeFlatBuffer(core::make_host_buffer)),
        update(on_device ? make_device_update(experiment.train(), parameters, *world, device)
                         : make_host_update(experiment.train(), parameters, *world)) {}

  // Step number `step` with gradients and a loss that follow from it.
  void step(uint64_t number) {
    const Tensor gradients = random_tensor<float>({static_cast<int64_t>(parameters.gradients().size())}, number);
    std::ranges::copy(gradients.elements<float>(), parameters.gradients().begin());  // emulated memory is the host's
    loss.elements<float>()[0] = static_cast<float>(number);
    update->step(loss.view(), 1);
  }

  config::Experiment experiment = tiny_experiment();
  EmulatedDevice device;
  std::unique_ptr<dist::Communicator> world = dist::make_single_world();
  core::Model model;
  core::ParameterStore parameters;
  Tensor loss{DType::kFloat32, {1}};
  std::unique_ptr<core::DenseUpdate> update;
};

TEST(DenseUpdate, TheDeviceTakesTheStepsOfTheHost) {
  Update host(false), device(true);
  EXPECT_TRUE(all_close(device.parameters.host_values(), host.parameters.host_values(), {0, 0}));
  for (uint64_t s = 1; s <= 3; ++s) {
    host.step(s);
    device.step(s);
  }
  EXPECT_TRUE(
      all_close(device.parameters.host_values(), host.parameters.host_values(), {.relative = 1e-5, .absolute = 1e-7}));
  EXPECT_EQ(host.update->take_losses(0), 6);
  EXPECT_EQ(device.update->take_losses(0), 6);
}

TEST(DenseUpdate, TheHostHearsOfADevicesStepsWithoutWaiting) {
  Update device(true);
  EXPECT_EQ(device.update->lag(), kLag);
  const auto waits = [&] { return device.device.use().waits(HostWait::kResult); };
  for (uint64_t s = 1; s <= 20; ++s) {
    device.step(s);
    if (s == 12) {
      EXPECT_EQ(device.update->take_losses(kLag), 1 + 2 + 3 + 4);
    }
  }
  EXPECT_EQ(waits(), 0);
  EXPECT_EQ(device.device.use().waits(HostWait::kThrottle), 12);
  EXPECT_EQ(device.update->take_losses(3), 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17);
  EXPECT_EQ(waits(), 5);
}

TEST(DenseUpdate, ADevicesBadStepIsNamedWhenItIsHeardOf) {
  Update host(false), device(true);
  const auto spoil = [](Update& u) { u.loss.elements<float>()[0] = std::numeric_limits<float>::quiet_NaN(); };
  const auto bad_step = [&](Update& u) {
    const core::ParameterStore::Entry& entry = u.parameters.entries()[1];
    std::ranges::fill(u.parameters.gradients(), 0.5f);
    entry.gradient.elements<float>()[0] = std::numeric_limits<float>::infinity();
    spoil(u);
    u.update->step(u.loss.view(), 1);
  };
  const std::string message = message_of<Error>([&] { bad_step(host); });
  EXPECT_EQ(message.find("[train] the gradient of \"" + host.parameters.entries()[1].name +
                         "\" is not finite; the loss is not finite; try "),
            0u)
      << message;

  device.step(1);
  const Tensor before = device.parameters.host_values();
  bad_step(device);
  for (uint64_t s = 3; s <= kLag + 1; ++s) device.step(s);
  EXPECT_EQ(message_of<Error>([&] { device.step(kLag + 2); }), message);
  EXPECT_TRUE(all_close(device.parameters.host_values(), before, {0, 0}));
}

}  // namespace
}  // namespace polyscene::testing
