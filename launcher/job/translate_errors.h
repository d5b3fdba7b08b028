// Translates errors of the standard library and of the layers below into errors of the program.
#pragma once

#include <functional>

namespace polyscene::launcher {

// Runs body. Turns exceptions about memory and threads into a DeviceError, those of std::filesystem into a DataError,
// names the settings that prevent errors of the layers below (with_advice), and lets all others pass.
void translate_errors(const std::function<void()>& body);

}  // namespace polyscene::launcher
