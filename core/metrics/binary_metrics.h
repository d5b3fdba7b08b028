// Metrics of one set of rows, sorted by score.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/metrics/evaluation.h"
#include "core/metrics/score_order.h"

namespace polyscene::core {

// Area under the ROC curve: the share of (positive, negative) pairs that the logits order correctly, with ties as half.
// Counted in integers, so exact up to one rounding. No value when a class is missing. `rows`: ascending by score.
[[nodiscard]] std::optional<double> auc_of(std::span<const ScoredRow> rows);

// All metrics of `rows`, ascending by score; sums run in that order.
[[nodiscard]] Metrics metrics_of(std::span<const ScoredRow> rows);

// Negative log likelihood of the label, without overflow: max(z, 0) - z y + ln(1 + exp(-|z|)).
[[nodiscard]] double logloss_of(double logit, bool positive);

}  // namespace polyscene::core
