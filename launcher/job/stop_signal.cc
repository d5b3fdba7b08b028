#include "launcher/job/stop_signal.h"

#include <csignal>

namespace polyscene {
namespace {

std::atomic<bool> stop_requested{false}, end_requested{false};

// A batch system may send SIGUSR1 to all processes of a job, and mpirun sends it on: it comes twice and is no end.
extern "C" void on_stop_signal(int signal) {
  stop_requested = true;
  if (signal != SIGUSR1 && end_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace

const std::atomic<bool>& watch_stop_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, on_stop_signal);
  return stop_requested;
}

}  // namespace polyscene
