// Signals while a thread computes. oneDNN's sgemm keeps its stack pointer where the frame of a signal handler
// overwrites memory of others, unless the handler brings a stack of its own (SA_ONSTACK). Handlers are those of the
// program that we run in, a profiler's for one, so that threads take none inside of a product.
#pragma once

namespace polyscene {

// While one lives, no handler runs on its thread: signals from outside wait, or another thread takes them. Those of a
// fault of the thread itself (SIGSEGV, SIGABRT ...) are taken as ever. It takes two system calls, and none inside of
// another one. A worker of a parallel loop that was started inside of one holds them for good.
class SignalsHeld {
 public:
  SignalsHeld() noexcept;
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
};

}  // namespace polyscene
