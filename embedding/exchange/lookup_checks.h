// Checks and errors that lookups on the CPU and on a device share, so that both report the same messages.
#pragma once

#include <cstdint>
#include <span>

#include "embedding/keys/deduplicator.h"
#include "ops/base/caused_error.h"
#include "ops/tensor/tensor.h"

namespace polyscene::embedding {

// Throws InvalidArgument unless the keys were deduplicated for these tables and ranks.
void check_unique(const TableLayout& layout, const UniqueKeys& unique);

// Throws InvalidArgument unless gradients[group] is [sent->rows(group), dim] float32. sent: the keys of the latest
// lookup, nullptr if there was none; trains: whether it was in LookupMode::kTrain.
void check_update(const TableLayout& layout, const UniqueKeys* sent, bool trains,
                  std::span<const TensorView> gradients);

// The error for an element of a key's gradient that is not finite.
[[nodiscard]] RowGradientNotFinite not_finite(const TableLayout& layout, int table, int64_t key, int64_t element,
                                              float value);

}  // namespace polyscene::embedding
