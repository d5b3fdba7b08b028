// All-gather of carried columns.
#pragma once

#include <memory>
#include <vector>

#include "dist/communicator.h"

namespace arrow {
class RecordBatch;
}

namespace polyscene::core {

// Collective. Returns the rows of every rank, in rank order, on every rank. Throws DataError.
[[nodiscard]] std::vector<std::shared_ptr<arrow::RecordBatch>> gather_carried(
    const std::shared_ptr<arrow::RecordBatch>& mine, dist::Communicator& communicator);

}  // namespace polyscene::core
