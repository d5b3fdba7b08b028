// Advice on which checkpoint to resume from when one is damaged.
#pragma once

#include <string>

#include "dist/communicator.h"

namespace polyscene::core {

// Collective. A clause for error messages: "PATH, beside it, is undamaged" for the newest other checkpoint of the run
// that is undamaged, or that there is none. Reads all files of the checkpoints that it tries, each rank its share.
[[nodiscard]] std::string newest_undamaged(const std::string& checkpoint, dist::Communicator& communicator);

}  // namespace polyscene::core
