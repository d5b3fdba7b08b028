// Names the settings that prevent an error of the layers below, which know no configuration.
#pragma once

#include <functional>

namespace polyscene::core {

// Runs body. An error of ops/base/caused_error.h is thrown again, as its base class, with the names of the settings
// behind its message; so they are named once, however often this is nested. All other errors pass.
void with_advice(const std::function<void()>& body);

}  // namespace polyscene::core
