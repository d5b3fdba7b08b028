// Gathers rows of windows into a batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data/window.h"
#include "core/features/batch.h"
#include "core/features/feature_schema.h"

namespace polyscene::core {

struct RowRun {
  const Window* window;
  std::vector<int32_t> rows;  // rows of the window, in the order of the batch
};

// The rows of all runs, concatenated. Throws DataError when the batch's lists hold 2^31 elements or more.
[[nodiscard]] Batch gather(const FeatureSchema& schema, bool times, std::span<const RowRun> runs);

}  // namespace polyscene::core
