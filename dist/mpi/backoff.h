// How a rank waits for messages: it first polls without pause, then yields the processor between polls, and sleeps only
// if nothing has arrived for so long that a hundred microseconds no longer matter.
#pragma once

#include <chrono>
#include <thread>

namespace polyscene::dist {

class Backoff {
 public:
  using Clock = std::chrono::steady_clock;

  // Call after every poll that found nothing.
  void pause() {
    ++polls_;
    if (polls_ < kStraightPolls) return;
    if (idle() < std::chrono::milliseconds(50)) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }
  // Call after every poll that found something.
  void reset() {
    polls_ = 0;
    since_ = Clock::now();
  }
  [[nodiscard]] Clock::duration idle() const { return Clock::now() - since_; }
  [[nodiscard]] int polls() const { return polls_; }

 private:
  static constexpr int kStraightPolls = 64;

  int polls_ = 0;
  Clock::time_point since_ = Clock::now();
};

}  // namespace polyscene::dist
