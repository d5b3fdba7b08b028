#include "ops/base/thread.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "ops/base/error.h"

namespace polyscene {

namespace {

void check_bounds(int threads) {
  require(threads >= 1 && threads <= kMostThreads, "[ops.thread] wanted 1 to ", kMostThreads, " threads, got ",
          threads);
}

}  // namespace

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) {
  check_bounds(threads);
  omp_set_num_threads(threads);
}

void check_threads(int threads) {
  check_bounds(threads);
  std::latch end(1);
  std::vector<std::jthread> started;
  try {
    while (std::ssize(started) < threads - 1) started.emplace_back([&end] { end.wait(); });
  } catch (const std::system_error& error) {
    end.count_down();
    throw InvalidArgument(str("[ops.thread] wanted ", threads, " threads, the system gave ", started.size() + 1, ": ",
                              error.what(), "; ask for fewer, or raise the limits on processes and memory"));
  }
  end.count_down();
}

ThreadCountScope::ThreadCountScope(int threads) : before_(thread_count()) { set_thread_count(threads); }

ThreadCountScope::~ThreadCountScope() { omp_set_num_threads(before_); }

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

namespace {

// A loop as its threads see it. GCC's OpenMP library is not built for the thread sanitizer, which therefore misses how
// the library orders a loop's beginning before its chunks and these before its end; `begun_` and `ended_` tell. They
// order nothing between chunks, so that a race of two chunks is seen.
class Loop {
 public:
  Loop(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t)>& body)
      : size_(size), grain_(grain), body_(body) {
    begun_.store(true, std::memory_order_release);
  }

  void run(int64_t chunk) {
    static_cast<void>(begun_.load(std::memory_order_acquire));
    try {
      body_(chunk * grain_, std::min(size_, (chunk + 1) * grain_));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    ended_.fetch_add(1, std::memory_order_release);
  }

  void end() {
    static_cast<void>(ended_.load(std::memory_order_acquire));
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const int64_t size_, grain_;
  const std::function<void(int64_t, int64_t)>& body_;
  std::atomic<bool> begun_ = false;
  std::atomic<int64_t> ended_ = 0;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

// Not looked at by the thread sanitizer: what the compiler hands to the library's threads is ordered by the library
// alone.
__attribute__((no_sanitize("thread"))) void run_chunks(Loop& loop, int64_t chunks) {
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t chunk = 0; chunk < chunks; ++chunk) loop.run(chunk);
}

}  // namespace

void parallel_for(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (size <= 0) return;
  const int64_t chunks = (size + grain - 1) / grain;
  if (chunks == 1 || omp_get_max_threads() == 1 || omp_in_parallel()) {
    for (int64_t c = 0; c < chunks; ++c) body(c * grain, std::min(size, (c + 1) * grain));
    return;
  }
  Loop loop(size, grain, body);
  run_chunks(loop, chunks);
  loop.end();
}

}  // namespace polyscene
