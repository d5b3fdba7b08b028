// SIGINT, SIGTERM and SIGUSR1 ask training to finish its step, save and end with success; a second SIGINT or SIGTERM
// ends at once. SIGUSR1 is the one that mpirun passes on: at the others it kills its ranks within about two seconds.
#pragma once

#include <atomic>

namespace polyscene {

// Installs the handlers; the flag turns true at the first signal.
[[nodiscard]] const std::atomic<bool>& watch_stop_signals();

}  // namespace polyscene
