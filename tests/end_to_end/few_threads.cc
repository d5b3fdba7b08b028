// Preloaded into a program: the system gives it no more threads than POLYSCENE_THREADS_AT_ONCE at the same time and
// POLYSCENE_THREADS_IN_ALL one after the other.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

std::atomic<int> living = 0, given = 0;

struct GivenThread {
  void* (*body)(void*);
  void* of;
};

void* run_given(void* argument) {
  const GivenThread thread = *static_cast<GivenThread*>(argument);
  delete static_cast<GivenThread*>(argument);
  void* const result = thread.body(thread.of);
  --living;
  return result;
}

int most(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : 1 << 30;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* of) {
  static const auto create = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  static const int at_once = most("POLYSCENE_THREADS_AT_ONCE"), in_all = most("POLYSCENE_THREADS_IN_ALL");
  if (living >= at_once || given >= in_all) return EAGAIN;
  ++living;
  ++given;
  return create(thread, attributes, run_given, new GivenThread{body, of});
}
