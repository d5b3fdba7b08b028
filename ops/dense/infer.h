// The common parts of shape rules: the form of their messages, and tests of the inputs' types.
#pragma once

#include <optional>
#include <string_view>

#include "ops/graph/op.h"

namespace polyscene::ops {

// Throws InvalidArgument "[ops.<op>] wanted <wanted>, got <types of all inputs>" unless `ok`.
void check_inputs(const InferContext& context, bool ok, std::string_view wanted);

// Whether all inputs (or the first `count` of them) are floating and of one type.
[[nodiscard]] bool one_floating_type(const InferContext& context);
[[nodiscard]] bool one_floating_type(const InferContext& context, size_t count);

// Whether an input has this rank and, for the second function, a static last extent.
[[nodiscard]] bool has_rank(const InferContext& context, size_t input, int rank);
[[nodiscard]] bool has_static_cols(const InferContext& context, size_t input);

// The number of columns of inputs [first, first + count) together; nothing unless they are matrices (at least one) with
// equal numbers of rows and static numbers of columns.
[[nodiscard]] std::optional<int64_t> parts_cols(const InferContext& context, size_t first, size_t count);

}  // namespace polyscene::ops
