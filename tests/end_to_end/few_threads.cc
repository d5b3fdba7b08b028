// Preloaded into a program: the system gives it no more threads than POLYSCENE_FEW_THREADS, one after the other.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace {

std::atomic<int> given = 0;

int most_given() {
  const char* text = std::getenv("POLYSCENE_FEW_THREADS");
  return text != nullptr ? std::atoi(text) : 1 << 30;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* of) {
  static const auto create = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  static const int most = most_given();
  return given++ < most ? create(thread, attributes, body, of) : EAGAIN;
}
