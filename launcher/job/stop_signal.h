// SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP (the terminal closed) and SIGXCPU (a time limit is near) ask training to
// finish its step, save and end with success. A second SIGINT or SIGTERM ends the process at once. mpirun passes
// SIGUSR1 and SIGUSR2 on to its ranks; at SIGINT and SIGTERM it kills them within about two seconds.
//
// No handler runs on a thread that computes (ops/base/signals.h): all threads block these signals, and one thread waits
// for them.
#pragma once

#include <atomic>

namespace polyscene::launcher {

// Blocks these signals in this thread and in all threads that it starts. main() calls it first.
void hold_stop_signals();

// Unblocks the signals, for commands other than training, which the signals end. Call it before starting threads.
void release_stop_signals();

// For training: starts the thread that waits for the signals. The returned flag becomes true at the first one. Also
// ignores SIGPIPE, so that a closed reader of the output does not end the process. Throws DeviceError when the system
// does not give a thread.
[[nodiscard]] const std::atomic<bool>& watch_stop_signals();

}  // namespace polyscene::launcher
