// Programs without kernels of devices link, and say what they lack.
#include <gtest/gtest.h>

#include "dist/world.h"
#include "embedding/device/device_tables.h"
#include "tests/embedding/message_of.h"
#include "tests/support/emulator/emulated_device.h"

namespace polyscene::embedding {
namespace {

TEST(DeviceTables, ABuildWithoutKernelsSaysSo) {
  const auto world = dist::make_single_world();
  testing::EmulatedDevice device;
  DeviceTables tables(device, {.host = *world, .device = *world}, {{.name = "a", .dim = 1}}, {});
  const std::vector<int64_t> keys = {1};
  const std::vector<float> values = {2};
  EXPECT_EQ(testing::message_of<DeviceError>([&] {
              static_cast<void>(tables.load_rows(0, {keys, values}));
            }),
            "[embedding.device] wanted tables on a device, but this program was built without CUDA kernels; "
            "configure with -DPOLYSCENE_CUDA=ON on a host with nvcc, or run on the CPU");
}

}  // namespace
}  // namespace polyscene::embedding
