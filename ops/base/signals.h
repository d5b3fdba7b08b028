// Holds signals while a thread computes. oneDNN's sgemm keeps its stack pointer where the frame of a signal handler
// overwrites other memory, unless the handler has its own stack (SA_ONSTACK). Handlers belong to the surrounding
// program, e.g. a profiler, so threads must not receive signals inside a product.
#pragma once

namespace polyscene {

// While an object lives, no handler runs on its thread: signals from outside wait, or another thread receives them.
// Signals for a fault of the thread itself (SIGSEGV, SIGABRT ...) are received as usual. Costs two system calls, or
// none inside another SignalsHeld. A worker of a parallel loop that was started inside one keeps holding signals for
// good.
class SignalsHeld {
 public:
  SignalsHeld() noexcept;
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
};

}  // namespace polyscene
