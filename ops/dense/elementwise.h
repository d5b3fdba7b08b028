// What the element-wise operators share: the shape rule, samples and the parallel loop.
#pragma once

#include <algorithm>
#include <vector>

#include "ops/base/thread.h"
#include "ops/graph/op.h"

namespace polyscene::ops {

// All inputs floating, of one type and one shape, which is the output's.
[[nodiscard]] std::vector<ValueType> infer_same_shape(const InferContext& context);

// [1], [0, 3], [33, 31], [1025] ... with one / two random inputs.
[[nodiscard]] std::vector<Sample> samples_one_float();
[[nodiscard]] std::vector<Sample> samples_two_floats();
// The same shapes with `inputs` random inputs and the given attributes.
[[nodiscard]] std::vector<Sample> samples_floats(int inputs, const Attributes& attributes);

// Elements per parallel chunk of a loop that does little per element: below it threads cost more than they give.
inline constexpr int64_t kElementGrain = 16384;

// The same in rows of `cols` elements.
[[nodiscard]] constexpr int64_t row_grain(int64_t cols) {
  return std::max<int64_t>(1, kElementGrain / std::max<int64_t>(1, cols));
}

}  // namespace polyscene::ops
