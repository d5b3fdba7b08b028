#include "core/train/report/pace.h"

#include <algorithm>
#include <chrono>

namespace polyscene::core {

double Pace::steady_now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Pace::Pace(std::function<double()> now_s) : now_s_(std::move(now_s)), start_s_(now_s_()) {}

void Pace::add_step(int64_t samples) {
  ++steps_;
  samples_ += samples;
}

Pace::Lap Pace::take_lap() {
  const double seconds = std::max(now_s_() - start_s_, 1e-9);
  const Lap lap{.samples_s = static_cast<double>(samples_) / seconds, .step_s = seconds / static_cast<double>(steps_)};
  seconds_ += seconds;
  steps_ = samples_ = 0;
  return lap;
}

void Pace::restart() { start_s_ = now_s_(); }

void Pace::time(const std::function<void()>& work) {
  const double start = now_s_();
  work();
  seconds_ += now_s_() - start;
}

}  // namespace polyscene::core
