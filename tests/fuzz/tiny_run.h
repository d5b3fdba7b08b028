// A run as training leaves it.
#pragma once

#include <string>

namespace polyscene::testing {

// Into a folder that is there: two checkpoints, the second of which adds to the first, and the model.
void make_tiny_run(const std::string& folder);

}  // namespace polyscene::testing
