// The common parts of element-wise operators: the shape rule, samples and the parallel loop.
#pragma once

#include <algorithm>
#include <vector>

#include "ops/base/thread.h"
#include "ops/graph/op.h"

namespace polyscene::ops {

// Checks that all inputs are floating and of one type and shape, which is also the output's.
[[nodiscard]] std::vector<ValueType> infer_same_shape(const InferContext& context);

// [1], [0, 3], [33, 31], [1025] ... with one / two random inputs.
[[nodiscard]] std::vector<Sample> samples_one_float();
[[nodiscard]] std::vector<Sample> samples_two_floats();
// The same shapes with `inputs` random inputs and the given attributes.
[[nodiscard]] std::vector<Sample> samples_floats(int inputs, const Attributes& attributes);

// Elements per chunk of a parallel loop with little work per element; smaller chunks cost more in threads than they
// gain.
inline constexpr int64_t kElementGrain = 16384;

// The same as a number of rows of `cols` elements.
[[nodiscard]] constexpr int64_t row_grain(int64_t cols) {
  return std::max<int64_t>(1, kElementGrain / std::max<int64_t>(1, cols));
}

}  // namespace polyscene::ops
