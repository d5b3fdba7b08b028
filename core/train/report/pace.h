// How fast a run trains: the samples and steps since its last log line, and the time they took.
#pragma once

#include <cstdint>
#include <functional>

namespace polyscene::core {

class Pace {
 public:
  // Since the last log line.
  struct Lap {
    double samples_s = 0, step_s = 0;
  };
  // `now_s`: seconds by a clock that never goes back.
  explicit Pace(std::function<double()> now_s = steady_now_s);

  void add_step(int64_t samples);
  // Whether a step was added since the last log line.
  [[nodiscard]] bool has_steps() const { return steps_ > 0; }
  // Returns the speed since the last log line, after at least one step. Adds that time to seconds().
  [[nodiscard]] Lap take_lap();
  // Starts the clock of the next steps: after a log line, or after work that is not training, such as an evaluation.
  void restart();
  // Runs work that is part of training but no step, and adds its time to seconds().
  void time(const std::function<void()>& work);
  // Seconds of training up to the last log line.
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  static double steady_now_s();

  std::function<double()> now_s_;
  double start_s_, seconds_ = 0;
  int64_t steps_ = 0, samples_ = 0;
};

}  // namespace polyscene::core
