// Errors of the standard library in the words of this project.
#pragma once

#include <functional>

namespace polyscene {

// Runs body. Out of memory or threads leaves it as a DeviceError, the file system's exceptions as a DataError; whatever
// else it throws is left alone.
void in_own_words(const std::function<void()>& body);

}  // namespace polyscene
