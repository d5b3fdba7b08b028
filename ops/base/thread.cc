#include "ops/base/thread.h"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <mutex>

#include "ops/base/error.h"

namespace polyscene {

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) {
  require(threads >= 1, "[ops.thread] wanted at least 1 thread, got ", threads);
  omp_set_num_threads(threads);
}

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

void parallel_for(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (size <= 0) return;
  const int64_t chunks = (size + grain - 1) / grain;
  if (chunks == 1 || omp_get_max_threads() == 1 || omp_in_parallel()) {
    for (int64_t c = 0; c < chunks; ++c) body(c * grain, std::min(size, (c + 1) * grain));
    return;
  }
  std::exception_ptr failure;
  std::mutex mutex;
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t c = 0; c < chunks; ++c) {
    try {
      body(c * grain, std::min(size, (c + 1) * grain));
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace polyscene
