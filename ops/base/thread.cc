#include "ops/base/thread.h"

#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <latch>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "ops/base/caused_error.h"
#include "ops/base/signals.h"

namespace polyscene {

namespace {

// Threads are started under this lock, so that a caller who has counted the free ones gets them.
std::mutex starting_threads;
std::atomic<int> teams_wanted = 0;  // teams that the OpenMP library is starting
thread_local int team_size = 1;     // threads that the OpenMP library keeps for loops of this thread

struct Shortage {
  int got;
  std::string why;
};

// Starts `wanted` threads and lets them end; returns what was missing.
std::optional<Shortage> shortage_of(int wanted) {
  std::latch end(1);
  std::vector<std::thread> threads;
  std::vector<std::atomic<pid_t>> ids(wanted);
  std::optional<Shortage> shortage;
  try {
    for (std::atomic<pid_t>& id : ids)
      threads.emplace_back([&] {
        id = ::gettid();
        end.wait();
      });
  } catch (const std::system_error& error) {
    shortage = {static_cast<int>(threads.size()), error.code().message()};
  }
  end.count_down();
  for (std::thread& thread : threads) thread.join();
  // A thread that was joined still counts for a moment.
  for (size_t i = 0; i < threads.size(); ++i)
    while (::tgkill(::getpid(), ids[i], 0) == 0) std::this_thread::yield();
  return shortage;
}

void require_no_shortage(int wanted, const std::optional<Shortage>& shortage) {
  if (!shortage) return;
  throw ThreadShortage(str("[ops.thread] wanted ", wanted, wanted == 1 ? " more thread" : " more threads",
                           ", the system gave ", shortage->got, ": ", shortage->why,
                           "; try fewer threads or ranks, or raise ulimit -u or the group's pids.max"));
}

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
  const std::lock_guard lock(starting_threads);
  if (const auto shortage = shortage_of(threads - 1))
    throw InvalidArgument(str("[ops.thread] wanted ", threads, " threads, the system gave ", shortage->got + 1, ": ",
                              shortage->why, "; ask for fewer, or raise the limits on processes and memory"));
}

ThreadCountScope::ThreadCountScope(int threads) : before_(thread_count()) { set_thread_count(threads); }

ThreadCountScope::~ThreadCountScope() { omp_set_num_threads(before_); }

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

namespace {

// The threads share nothing, because the thread sanitizer does not see how the OpenMP library orders them. The empty
// instruction keeps the compiler from removing the loop.
void start_team(int threads) {
#pragma omp parallel num_threads(threads)
  __asm__ volatile("");
}

// The OpenMP library keeps its threads for later loops. They are started here, while signals are held, so that they
// never receive one.
void make_team(int threads) {
  if (threads > team_size) {
    const std::lock_guard lock(starting_threads);
    require_no_shortage(threads - team_size, shortage_of(threads - team_size));
    const SignalsHeld held;
    ++teams_wanted;
    start_team(threads);
    --teams_wanted;
  }
  team_size = threads;
}

// The state of a loop that its threads share. GCC's OpenMP library is not built for the thread sanitizer, which
// therefore does not see that the library orders the loop's beginning before its chunks and these before its end;
// `begun_` and `ended_` show it that order. They order nothing between chunks, so a race of two chunks is still found.
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

// Excluded from the thread sanitizer: only the OpenMP library orders what the compiler passes to its threads.
__attribute__((no_sanitize("thread"))) void run_chunks(Loop& loop, int64_t chunks) {
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t chunk = 0; chunk < chunks; ++chunk) loop.run(chunk);
}

}  // namespace

std::thread start_thread(std::function<void()> body) {
  const std::lock_guard lock(starting_threads);
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& error) {
    require_no_shortage(1, Shortage{0, error.code().message()});
    throw;
  }
}

ThreadGroup::~ThreadGroup() {
  stop_();
  for (std::thread& thread : threads_) thread.join();
}

void require_threads(int wanted) {
  const std::lock_guard lock(starting_threads);
  require_no_shortage(wanted, shortage_of(wanted));
}

bool loops_want_threads() { return teams_wanted > 0; }

void parallel_for(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (size <= 0) return;
  const int64_t chunks = (size + grain - 1) / grain;
  if (chunks == 1 || omp_get_max_threads() == 1 || omp_in_parallel()) {
    for (int64_t c = 0; c < chunks; ++c) body(c * grain, std::min(size, (c + 1) * grain));
    return;
  }
  make_team(omp_get_max_threads());
  Loop loop(size, grain, body);
  run_chunks(loop, chunks);
  loop.end();
}

}  // namespace polyscene
