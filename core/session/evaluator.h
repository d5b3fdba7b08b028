// Scoring and evaluation of a split with a session.
#pragma once

#include <functional>

#include "core/data/batch_source.h"
#include "core/metrics/evaluation.h"
#include "core/session/session.h"

namespace polyscene::core {

// Collective. Calls visit(batch, logits) for every batch of the source, equally often on every rank.
void score(Session& session, BatchSource& source,
           const std::function<void(const Batch&, std::span<const float>)>& visit);

// Collective. This rank's rows with their logits.
[[nodiscard]] Predictions predict_all(Session& session, BatchSource& source);

// Collective. Metrics over the whole split, the same on all ranks.
[[nodiscard]] Evaluation evaluate_split(Session& session, BatchSource& source);

}  // namespace polyscene::core
