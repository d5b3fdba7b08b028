// What a run says to people when something is missing and training goes on.
#pragma once

#include <cstdint>
#include <string>

#include "core/metrics/evaluation.h"

namespace polyscene {

// An evaluation without the metric that tells the best one.
[[nodiscard]] std::string describe_undefined(int64_t step, const std::string& metric, const Metrics& overall,
                                             bool early_stop);

// The best model so far could not be saved.
[[nodiscard]] std::string describe_unsaved_model(int64_t step, const std::string& why);

// A checkpoint could not be written.
[[nodiscard]] std::string describe_failed_checkpoint(const std::string& why);

}  // namespace polyscene
