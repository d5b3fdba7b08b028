#include "core/data/window_feed.h"

#include <algorithm>
#include <utility>

namespace polyscene::core {

WindowFeed::WindowFeed(const ReadPlan& plan, int64_t epoch, const std::vector<FeedGroup>& groups)
    : slots_(groups.size()), threads_([this] { stop(); }) {
  for (size_t i = 0; i < groups.size(); ++i) {
    slots_[i].stream = std::make_unique<GroupStream>(plan, groups[i].group, epoch, groups[i].first_window, stop_);
  }
  const size_t threads = std::min<size_t>(slots_.size(), plan.data.threads());
  for (size_t i = 0; i < threads; ++i) threads_.start([this] { run(); });
}

void WindowFeed::stop() {
  stop_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);  // otherwise a thread between its check and its wait would miss the call
  work_.notify_all();
  ready_.notify_all();
}

std::unique_ptr<Window> WindowFeed::take(size_t i) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[i];
  ready_.wait(lock, [&] { return stop_ || slot.ready != nullptr || slot.failure || slot.ended; });
  if (slot.ready != nullptr) {
    work_.notify_one();
    return std::move(slot.ready);
  }
  if (slot.failure) std::rethrow_exception(slot.failure);
  return nullptr;
}

void WindowFeed::give_back(std::unique_ptr<Window> window) {
  const std::lock_guard lock(mutex_);
  spares_.push_back(std::move(window));
}

std::unique_ptr<Window> WindowFeed::spare() {
  if (spares_.empty()) return nullptr;
  auto window = std::move(spares_.back());
  spares_.pop_back();
  return window;
}

// The slot with the fewest decoded rows among those without a ready window.
WindowFeed::Slot* WindowFeed::neediest() {
  Slot* best = nullptr;
  for (Slot& slot : slots_) {
    if (slot.busy || slot.ended || slot.failure || slot.ready != nullptr) continue;
    if (best == nullptr || slot.rows < best->rows) best = &slot;
  }
  return best;
}

void WindowFeed::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    Slot* slot = nullptr;
    work_.wait(lock, [&] { return stop_ || (slot = neediest()) != nullptr; });
    if (stop_) return;
    decode(*slot, lock);
  }
}

void WindowFeed::decode(Slot& slot, std::unique_lock<std::mutex>& lock) {
  slot.busy = true;
  auto memory = spare();
  lock.unlock();
  std::unique_ptr<Window> window;
  std::exception_ptr failure;
  try {
    window = slot.stream->next(std::move(memory));
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  slot.busy = false;
  slot.failure = failure;
  slot.ended = window == nullptr;
  if (window != nullptr) slot.rows += window->rows();
  slot.ready = std::move(window);
  ready_.notify_all();
}

}  // namespace polyscene::core
