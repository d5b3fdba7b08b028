// Messages to people about something that is missing while training continues.
#pragma once

#include <cstdint>
#include <string>

#include "core/metrics/evaluation.h"

namespace polyscene::core {

// The message for an evaluation without the metric that chooses the best model.
[[nodiscard]] std::string describe_undefined(int64_t step, const std::string& metric, const Metrics& overall,
                                             bool early_stop);

// The message for a best model that could not be saved.
[[nodiscard]] std::string describe_unsaved_model(int64_t step, const std::string& why);

// The message for a checkpoint that could not be written.
[[nodiscard]] std::string describe_failed_checkpoint(const std::string& why);

}  // namespace polyscene::core
