// Threads inside one rank. Every parallel loop uses parallel_for, so that chunk boundaries, and with them the order of
// floating-point sums, depend on the problem and never on the number of threads.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace polyscene {

// The number of threads for parallel loops started from the calling thread. Each local rank sets its own share.
[[nodiscard]] int thread_count();
void set_thread_count(int threads);  // 1 to kMostThreads
inline constexpr int kMostThreads = 4096;

// Starts `threads` threads, the caller's included, and lets them end. Throws InvalidArgument if the system does not
// provide so many; a parallel loop, which starts them on first use, would end the program instead.
void check_threads(int threads);

// Sets the number of threads until the end of the scope, then restores the previous one.
class ThreadCountScope {
 public:
  explicit ThreadCountScope(int threads);
  ~ThreadCountScope();
  ThreadCountScope(const ThreadCountScope&) = delete;
  ThreadCountScope& operator=(const ThreadCountScope&) = delete;

 private:
  int before_;
};

// The number of processors that this process may run on.
[[nodiscard]] int available_processors();

// A thread that runs `body`. Throws DeviceError if the system provides no more threads.
[[nodiscard]] std::thread start_thread(std::function<void()> body);

// Throws DeviceError unless the system can provide `wanted` more threads at this moment. Call it before code that ends
// the process, or worse, if it gets too few.
void require_threads(int wanted);

// Threads that end with this object. As the last member of a class it ends them before the other members are destroyed,
// also if the constructor fails because the system provides too few threads.
class ThreadGroup {
 public:
  // `stop` makes the bodies return; the destructor calls it before it waits for them.
  explicit ThreadGroup(std::function<void()> stop = [] {}) : stop_(std::move(stop)) {}
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  ~ThreadGroup();
  // Throws DeviceError if the system provides no more threads.
  void start(std::function<void()> body) { threads_.push_back(start_thread(std::move(body))); }

 private:
  std::function<void()> stop_;
  std::vector<std::thread> threads_;
};

// Calls body(begin, end) over [0, size) cut into fixed chunks of `grain` items, in parallel, each chunk exactly once,
// in no particular order. Runs on the caller alone if there is only one chunk or thread. An exception of a body is
// rethrown in the caller after all chunks have ended. Throws DeviceError if the system provides too few threads.
void parallel_for(int64_t size, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

// Whether the OpenMP library may be about to end the process. It does so by itself if it gets too few threads because
// other processes took them after require_threads().
[[nodiscard]] bool loops_want_threads();

}  // namespace polyscene
