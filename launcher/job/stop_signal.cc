#include "launcher/job/stop_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

#include "ops/base/thread.h"

namespace polyscene::launcher {
namespace {

std::atomic<bool> stop_requested = false;

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) sigaddset(&set, signal);
  if (!is_ignored(SIGHUP)) sigaddset(&set, SIGHUP);  // nohup ignores it
  return set;
}

[[noreturn]] void end_by(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  for (;;) ::kill(::getpid(), signal);
}

// Only a second SIGINT or SIGTERM ends the process. The other signals may come twice for one request: a batch system
// may send them to all processes, and mpirun passes them on; and the kernel repeats SIGXCPU every second.
void take_stop_signals() {
  const sigset_t set = stop_signals();
  for (bool asked_to_end = false;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    stop_requested = true;
    if (signal != SIGINT && signal != SIGTERM) continue;
    if (asked_to_end) end_by(signal);
    asked_to_end = true;
  }
}

}  // namespace

void hold_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void release_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

const std::atomic<bool>& watch_stop_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  start_thread(take_stop_signals).detach();
  return stop_requested;
}

}  // namespace polyscene::launcher
