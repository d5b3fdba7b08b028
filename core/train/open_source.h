// A split, opened by all ranks.
#pragma once

#include <memory>

#include "core/data/batch_source.h"
#include "dist/communicator.h"

namespace polyscene {

// Opens a split on every rank, for its rank and number of ranks, which `options` need not say. Collective. Throws what
// make_parquet_source() throws, and DataError on all ranks when another rank could not open it, or sees files of other
// names, sizes or rows: batches would be of rows that nobody has.
[[nodiscard]] std::unique_ptr<BatchSource> open_source(const config::Data& data, SourceOptions options,
                                                       Communicator& communicator);

}  // namespace polyscene
