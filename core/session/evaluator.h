// Scores a split with a session.
#pragma once

#include <functional>

#include "core/data/batch_source.h"
#include "core/metrics/evaluation.h"
#include "core/session/session.h"

namespace polyscene {

// Calls visit(batch, logits) for every batch of the source, on every rank the same number of times. Collective.
void score(Session& session, BatchSource& source,
           const std::function<void(const Batch&, std::span<const float>)>& visit);

// This rank's rows with their logits. Collective.
[[nodiscard]] Predictions predict_all(Session& session, BatchSource& source);

// Metrics over the whole split, the same on all ranks. Collective.
[[nodiscard]] Evaluation evaluate_split(Session& session, BatchSource& source);

}  // namespace polyscene
