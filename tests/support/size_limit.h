// Simulates a full disk, for tests of the messages and files that result.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <limits>

namespace polyscene::testing {

// During its lifetime, files of this process can have at most this many bytes: a write beyond fails with "File too
// large". With `failures`, this many writes of all threads fail, and then there is space again.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes, int failures = std::numeric_limits<int>::max()) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    failures_left_ = failures;
    handler_before_ = std::signal(SIGXFSZ, [](int) {
      if (--failures_left_ == 0) ::setrlimit(RLIMIT_FSIZE, &before_);
    });
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_before_);
  }

 private:
  // Static, so that a signal handler can reach it.
  static inline std::atomic<int> failures_left_ = 0;
  static inline rlimit before_{};

  void (*handler_before_)(int) = SIG_DFL;
};

}  // namespace polyscene::testing
