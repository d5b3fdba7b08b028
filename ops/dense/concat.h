#pragma once

#include <vector>

#include "ops/graph/graph.h"

namespace polyscene::ops {

// The parts next to each other along the last axis: [N, c_0], [N, c_1], ... -> [N, c_0 + c_1 + ...]; any rank of at
// least 1, one floating type, static last extents. A single part is returned unchanged. Each part's gradient is its
// slice of dy. Throws InvalidArgument if there are no parts or their leading extents or types differ.
[[nodiscard]] Value concat(std::vector<Value> parts);

void concat_cpu(const KernelContext& context);
[[gnu::weak]] void concat_gpu(const KernelContext& context);
extern const OpDefinition kConcat;

}  // namespace polyscene::ops
