// Ranks for tests that make sessions.
#pragma once

#include "dist/rank.h"

namespace polyscene::testing {

[[nodiscard]] inline Rank on_host(Communicator& communicator) { return {.communicator = communicator}; }

[[nodiscard]] inline Rank on_device(Communicator& communicator, Device& device) {
  return {.communicator = communicator, .runs_on = OnDevice{.device = device}};
}

}  // namespace polyscene::testing
