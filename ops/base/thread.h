// Threads inside one rank. Every parallel loop goes through here, so that chunk boundaries, and with them the order
// of floating-point sums, depend on the problem and never on the number of threads.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace polyscene {

// Threads that parallel loops started from the calling thread use. Each local rank sets its own share.
[[nodiscard]] int thread_count();
void set_thread_count(int threads);  // 1 to kMostThreads
inline constexpr int kMostThreads = 4096;

// Starts so many threads, the caller's among them, and lets them end. Throws InvalidArgument where the system does not
// give so many: a parallel loop, which starts them when it first wants them, would end the program.
void check_threads(int threads);

// So many threads until the end of the scope, then as many as there were.
class ThreadCountScope {
 public:
  explicit ThreadCountScope(int threads);
  ~ThreadCountScope();
  ThreadCountScope(const ThreadCountScope&) = delete;
  ThreadCountScope& operator=(const ThreadCountScope&) = delete;

 private:
  int before_;
};

// Number of processors this process may run on.
[[nodiscard]] int available_processors();

// A thread that runs body. Throws DeviceError when the system gives no more.
[[nodiscard]] std::thread start_thread(std::function<void()> body);

// For what ends the process, or worse, where it gets too few threads: throws DeviceError unless the system has so many
// more at this moment.
void require_threads(int wanted);

// Threads that end with it: as the last member of a class it ends them before the rest goes, also where the class could
// not be made because the system gave too few.
class ThreadGroup {
 public:
  // `stop` makes their bodies return; it is called before they are waited for.
  explicit ThreadGroup(std::function<void()> stop = [] {}) : stop_(std::move(stop)) {}
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  ~ThreadGroup();
  // Throws DeviceError when the system gives no more threads.
  void start(std::function<void()> body) { threads_.push_back(start_thread(std::move(body))); }

 private:
  std::function<void()> stop_;
  std::vector<std::thread> threads_;
};

// Calls body(begin, end) over [0, size) cut into fixed chunks of `grain` items, in parallel, each chunk exactly once,
// in no particular order. Runs on the caller alone when one chunk or one thread is all there is. An exception from a
// body is rethrown in the caller after all chunks ended. Throws DeviceError when the system gives too few threads.
void parallel_for(int64_t size, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

// Whether OpenMP's library may be about to end the process: it does so by itself when it gets too few threads, where
// other processes took them since require_threads().
[[nodiscard]] bool loops_want_threads();

}  // namespace polyscene
