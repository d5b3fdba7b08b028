// SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP (a terminal that closed) and SIGXCPU (a limit that is near) ask training to
// finish its step, save and end with success; a second SIGINT or SIGTERM ends at once. SIGUSR1 and SIGUSR2 are passed
// on by mpirun: at SIGINT and SIGTERM it kills its ranks within about two seconds.
//
// No handler runs on a thread that computes (ops/base/signals.h): all threads hold these signals, and one takes them.
#pragma once

#include <atomic>

namespace polyscene {

// From now on they wait, in this thread and in those that it starts. The first that main does.
void hold_stop_signals();

// For commands that they end as any program, before they start a thread.
void release_stop_signals();

// For training: starts the thread that takes them; the flag turns true at the first. A reader that left the program's
// output ends nothing any more. Throws DeviceError when the system gives no thread.
[[nodiscard]] const std::atomic<bool>& watch_stop_signals();

}  // namespace polyscene
