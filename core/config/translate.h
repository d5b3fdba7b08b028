// Translates configuration messages to the plain option structs of lower folders, which do not know protobuf.
#pragma once

#include "core/config/experiment.pb.h"
#include "embedding/update/sparse_optimizer.h"
#include "ops/graph/op.h"
#include "ops/optim/dense_optimizer.h"

namespace polyscene::core {

[[nodiscard]] embedding::SparseOptimizer to_sparse_optimizer(const config::SparseOptimizer& c);
[[nodiscard]] DenseOptimizerOptions to_dense_optimizer(const config::DenseOptimizer& c);
[[nodiscard]] ProductPrecision to_precision(config::Train::Precision precision);

}  // namespace polyscene::core
