// The place where a rank runs, for error messages. These name the process, since users start processes: one may host
// several ranks.
#pragma once

#include <string>

#include "dist/communicator.h"

namespace polyscene::dist {

// "rank 1" for the second process of an mpirun job, whichever ranks it hosts; empty where one process runs all ranks.
[[nodiscard]] std::string started_rank(const Communicator& communicator);

// "rank 1 on host NAME", or empty likewise.
[[nodiscard]] std::string started_place(const Communicator& communicator);

}  // namespace polyscene::dist
