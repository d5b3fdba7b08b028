// Decoding threads that keep one window ready per lane group, ahead of the thread that builds batches. What they decode
// does not depend on who decodes it or when.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "core/data/group_stream.h"
#include "core/data/read_plan.h"
#include "core/data/window.h"
#include "ops/base/thread.h"

namespace polyscene {

// A lane group that a feed serves, and the first of its windows that is wanted.
struct FeedGroup {
  int group = 0;
  int64_t first_window = 0;
};

class WindowFeed {
 public:
  // The plan outlives the feed. Throws DeviceError when the system gives too few threads.
  WindowFeed(const ReadPlan& plan, int64_t epoch, const std::vector<FeedGroup>& groups);
  WindowFeed(const WindowFeed&) = delete;
  WindowFeed& operator=(const WindowFeed&) = delete;

  // The next window of the `slot`-th of the groups; waits for it. Null when stopped; rethrows what decoding threw.
  [[nodiscard]] std::unique_ptr<Window> take(size_t slot);
  // Memory for further windows.
  void give_back(std::unique_ptr<Window> window);
  // Ends all waiting and decoding; any thread may call it.
  void stop();

 private:
  struct Slot {
    std::unique_ptr<GroupStream> stream;  // of the thread that decodes while `busy`
    std::unique_ptr<Window> ready;
    std::exception_ptr failure;
    bool busy = false, ended = false;
    int64_t rows = 0;  // decoded so far
  };

  void run();
  [[nodiscard]] Slot* neediest();
  void decode(Slot& slot, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::unique_ptr<Window> spare();

  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable work_, ready_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Window>> spares_;
  ThreadGroup threads_;
};

}  // namespace polyscene
