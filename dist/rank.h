// One rank of a job, as it is handed from the launcher down to a session.
#pragma once

#include <variant>

#include "dist/world.h"

namespace polyscene::dist {

// The model runs on the host. Its ranks exchange by their communicator, so there is no transport to choose.
struct OnHost {};

// The model runs on a device, and its ranks exchange device memory by the transport.
struct OnDevice {
  Device& device;
  DeviceTransport transport{};
};

// The peers of a rank, and what its model runs on. References only: whoever starts the ranks owns communicator and
// device, which outlive all that is made with the rank. All ranks of a job run on the same kind, with equal transports.
struct Rank {
  Communicator& communicator;  // of all ranks, for host memory
  std::variant<OnHost, OnDevice> runs_on = OnHost();
};

}  // namespace polyscene::dist
