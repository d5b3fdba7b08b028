// Where to go on from when a checkpoint is damaged.
#pragma once

#include <string>

#include "dist/communicator.h"

namespace polyscene {

// "PATH, beside it, is whole": the newest other checkpoint of the run whose files are all as they were written, or that
// there is none. Reads every file of those that it looks at, each rank its share. Collective.
[[nodiscard]] std::string whole_beside(const std::string& checkpoint, Communicator& communicator);

}  // namespace polyscene
