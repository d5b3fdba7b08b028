// The factor of both learning rates over steps: linear warm-up, then a decay.
#pragma once

#include <cstdint>

#include "core/config/experiment.pb.h"

namespace polyscene::core {

// `step` counts from 0; `total_steps` is where a decay without decay_steps ends. The factor is in [0, 1].
[[nodiscard]] double learning_rate_factor(const config::Schedule& schedule, int64_t step, int64_t total_steps);

}  // namespace polyscene::core
