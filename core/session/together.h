// Work that succeeds on all ranks or on none.
#pragma once

#include <functional>

#include "dist/communicator.h"

namespace polyscene::core {

// Collective. Runs `work` on every rank and throws on every rank when one fails. A failing rank throws its own error.
// The other ranks of its process throw DataError with the same message, ranks of other processes DataError with each
// message and its place. Throws NoSpace on every rank when one has no space left.
void together(dist::Communicator& communicator, const std::function<void()>& work);

}  // namespace polyscene::core
