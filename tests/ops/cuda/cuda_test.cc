// A program with kernels of CUDA devices starts everywhere, and says what is missing where there is no device.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "ops/device/device.h"
#include "ops/operators.h"
#include "tests/support/message_of.h"

namespace polyscene::testing {
namespace {

TEST(Cuda, ADeviceThatIsNotThereIsNamed) {
  int devices = 0;
  const bool works = cudaGetDeviceCount(&devices) == cudaSuccess;
  const std::string message = message_of<DeviceError>([] { (void)make_cuda_device(1000); });
  const std::string want = works ? str("[device] wanted CUDA device 1000, there are ", devices, "; try ")
                                 : "[device] wanted a CUDA device, but CUDA does not start here: ";
  EXPECT_EQ(message.rfind(want, 0), 0u) << message;
}

TEST(Cuda, EveryOperatorHasAKernelOrNeedsNone) {
  for (const OpDefinition* op : all_ops()) EXPECT_EQ(op->gpu != nullptr, !op->aliases_input) << op->name;
}

}  // namespace
}  // namespace polyscene::testing
