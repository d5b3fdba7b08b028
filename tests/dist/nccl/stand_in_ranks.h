// Ranks over NCCL's stand-in, for tests that know only memory of the host.
#pragma once

#include "dist/world.h"
#include "tests/dist/device/on_device.h"
#include "tests/dist/nccl/stand_in_device.h"

namespace polyscene::testing {

inline dist::NcclOptions stand_in_options(std::chrono::duration<double> deadline) {
  return {.library = POLYSCENE_NCCL_STAND_IN, .deadline = deadline};
}

inline void with_nccl(dist::Communicator& host, const dist::NcclOptions& options,
                      const std::function<void(dist::Communicator&)>& body) {
  StandInDevice device;
  OnDevice nccl(make_nccl_communicator(host, device, options), device);
  body(nccl);
}

}  // namespace polyscene::testing
