// Translates errors of the standard library into errors of this project.
#pragma once

#include <functional>

namespace polyscene {

// Runs body. Turns exceptions about memory and threads into a DeviceError, those of std::filesystem into a DataError,
// names the settings that prevent errors of the layers below (with_advice), and lets all others pass.
void in_own_words(const std::function<void()>& body);

}  // namespace polyscene
