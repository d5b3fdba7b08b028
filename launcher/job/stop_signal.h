// SIGINT and SIGTERM ask training to finish its step, save and end with success; a second one ends at once.
#pragma once

#include <atomic>

namespace polyscene {

// Installs the handlers; the flag turns true at the first signal.
[[nodiscard]] const std::atomic<bool>& watch_stop_signals();

}  // namespace polyscene
