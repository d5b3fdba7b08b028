#include "ops/dense/infer.h"

#include <algorithm>

namespace polyscene::ops {

void check_inputs(const InferContext& context, bool ok, std::string_view wanted) {
  if (ok) return;
  std::string got;
  for (const ValueType& t : context.inputs) got += str(got.empty() ? "" : " and ", name(t.dtype), ' ', t.shape);
  throw InvalidArgument(str("[ops.", context.op, "] wanted ", wanted, ", got ", got.empty() ? "nothing" : got));
}

bool one_floating_type(const InferContext& context) { return one_floating_type(context, context.inputs.size()); }

bool one_floating_type(const InferContext& context, size_t count) {
  const DType first = context.inputs[0].dtype;
  return is_floating(first) &&
         std::ranges::all_of(context.inputs.first(count), [&](const ValueType& t) { return t.dtype == first; });
}

bool has_rank(const InferContext& context, size_t input, int rank) {
  return context.inputs[input].shape.rank() == rank;
}

bool has_static_cols(const InferContext& context, size_t input) {
  const SymbolicShape& shape = context.inputs[input].shape;
  return shape.rank() >= 1 && shape.back().is_static();
}

std::optional<int64_t> parts_cols(const InferContext& context, size_t first, size_t count) {
  if (count == 0) return {};
  int64_t cols = 0;
  for (size_t i = first; i < first + count; ++i) {
    if (!has_rank(context, i, 2) || !has_static_cols(context, i)) return {};
    if (context.inputs[i].shape[0] != context.inputs[first].shape[0]) return {};
    cols += context.inputs[i].shape[1].constant;
  }
  return cols;
}

}  // namespace polyscene::ops
