// What shape rules share: the one form of their messages, and questions about the inputs' types.
#pragma once

#include <optional>
#include <string_view>

#include "ops/graph/op.h"

namespace polyscene::ops {

// Throws InvalidArgument "[ops.<op>] wanted <wanted>, got <types of all inputs>" unless `ok`.
void check_inputs(const InferContext& context, bool ok, std::string_view wanted);

// All inputs (or the first `count` of them) are floating and of one type.
[[nodiscard]] bool one_floating_type(const InferContext& context);
[[nodiscard]] bool one_floating_type(const InferContext& context, size_t count);

// Of rank `rank` and, for the second, with the last extent known when the graph is built.
[[nodiscard]] bool has_rank(const InferContext& context, size_t input, int rank);
[[nodiscard]] bool has_static_cols(const InferContext& context, size_t input);

// How many columns inputs [first, first + count) have together; nothing unless they are matrices (at least one) of
// equally many rows and static columns.
[[nodiscard]] std::optional<int64_t> parts_cols(const InferContext& context, size_t first, size_t count);

}  // namespace polyscene::ops
