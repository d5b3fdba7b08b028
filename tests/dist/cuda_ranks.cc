// The conformance suite of communicators on real devices: ranks that share the first one, staged over threads, and
// ranks of NCCL with a device each. No suite runs it.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "dist/world.h"
#include "tests/dist/conformance/suite.h"
#include "tests/dist/device/on_device.h"

namespace polyscene::testing {
namespace {

constexpr std::chrono::seconds kPatience(120);

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

class CudaRanks : public ::testing::TestWithParam<size_t> {};

TEST_P(CudaRanks, StagedOnOneDevice) {
  const auto body = [](dist::Communicator& host) {
    const auto device = make_cuda_device(0);
    OnDevice staged(make_staged_communicator(host, *device), *device);
    conformance_cases()[GetParam()].run(staged);
  };
  dist::run_local_ranks(3, body, {.deadline = kPatience});
}

// With one device there is one rank, and nothing of NCCL but its library is tested.
TEST_P(CudaRanks, Nccl) {
  const int ranks = std::max(1, device_count());
  ::setenv("NCCL_P2P_DIRECT_DISABLE", "1", 0);  // as the launcher does for ranks of one process
  std::cout << ranks << " ranks\n";
  const auto body = [](dist::Communicator& host) {
    const auto device = make_cuda_device(host.rank());
    OnDevice nccl(make_nccl_communicator(host, *device, {.deadline = kPatience}), *device);
    conformance_cases()[GetParam()].run(nccl);
  };
  dist::run_local_ranks(ranks, body, {.deadline = kPatience});
}

INSTANTIATE_TEST_SUITE_P(Cases, CudaRanks, ::testing::Range(size_t{0}, conformance_cases().size()),
                         [](const auto& instance) { return conformance_cases()[instance.param].name; });

}  // namespace
}  // namespace polyscene::testing
