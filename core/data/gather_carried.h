// Carried columns of all ranks together.
#pragma once

#include <memory>
#include <vector>

#include "dist/communicator.h"

namespace arrow {
class RecordBatch;
}

namespace polyscene {

// Every rank's rows, in rank order, on every rank. Collective. Throws DataError.
[[nodiscard]] std::vector<std::shared_ptr<arrow::RecordBatch>> gather_carried(
    const std::shared_ptr<arrow::RecordBatch>& mine, Communicator& communicator);

}  // namespace polyscene
