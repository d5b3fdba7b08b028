// Ranks for tests that make sessions.
#pragma once

#include "dist/rank.h"

namespace polyscene::testing {

[[nodiscard]] inline dist::Rank on_host(dist::Communicator& communicator) { return {.communicator = communicator}; }

[[nodiscard]] inline dist::Rank on_device(dist::Communicator& communicator, Device& device) {
  return {.communicator = communicator, .runs_on = dist::OnDevice{.device = device}};
}

}  // namespace polyscene::testing
