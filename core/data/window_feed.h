// Decoding threads that keep one window ready per lane group, ahead of the thread that builds batches. The windows do
// not depend on which thread decodes them, or when.
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

namespace polyscene::core {

// A lane group that a feed serves, and the first window wanted from it.
struct FeedGroup {
  int group = 0;
  int64_t first_window = 0;
};

class WindowFeed {
 public:
  // The plan must outlive the feed. Throws DeviceError when the system does not give enough threads.
  WindowFeed(const ReadPlan& plan, int64_t epoch, const std::vector<FeedGroup>& groups);
  WindowFeed(const WindowFeed&) = delete;
  WindowFeed& operator=(const WindowFeed&) = delete;

  // Waits for the next window of groups[slot]. Null when stopped or at the end; rethrows what decoding threw.
  [[nodiscard]] std::unique_ptr<Window> take(size_t slot);
  // Returns a window whose memory may be used for further windows.
  void give_back(std::unique_ptr<Window> window);
  // Ends all waiting and decoding. Any thread may call it.
  void stop();

 private:
  struct Slot {
    std::unique_ptr<GroupStream> stream;  // while `busy`, only the decoding thread may use it
    std::unique_ptr<Window> ready;
    std::exception_ptr failure;
    bool busy = false, ended = false;
    int64_t rows = 0;  // rows decoded so far
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

}  // namespace polyscene::core
