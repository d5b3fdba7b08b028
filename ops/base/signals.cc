#include "ops/base/signals.h"

#include <omp.h>
#include <pthread.h>

#include <csignal>

namespace polyscene {
namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

thread_local int signal_holds = 0;  // SignalsHeld objects that live on this thread
thread_local sigset_t mask_before;  // the mask outside the first of them

sigset_t from_outside() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : kFaults) sigdelset(&all, fault);
  return all;
}

// The two signals that cannot be held are in no mask.
bool has_all(const sigset_t& mask, const sigset_t& wanted) {
  for (int signal = 1; signal <= SIGRTMAX; ++signal)
    if (signal != SIGKILL && signal != SIGSTOP && sigismember(&wanted, signal) == 1 && sigismember(&mask, signal) == 0)
      return false;
  return true;
}

}  // namespace

SignalsHeld::SignalsHeld() noexcept {
  if (signal_holds++ > 0) return;
  const sigset_t all = from_outside();
  pthread_sigmask(SIG_BLOCK, &all, &mask_before);
  // No other code changes this worker's mask: one more hold that is never released saves further system calls.
  if (omp_get_thread_num() != 0 && has_all(mask_before, all)) ++signal_holds;
}

SignalsHeld::~SignalsHeld() {
  if (--signal_holds == 0) pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
}

}  // namespace polyscene
