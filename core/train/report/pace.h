// How fast a run trains: the samples and steps since its last log line, and the time they took.
#pragma once

#include <cstdint>
#include <functional>

namespace polyscene {

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
  // Of the steps since the last log line, at least one; their time counts as time of training.
  [[nodiscard]] Lap take_lap();
  // A log line was written, or what is no training has ended: the time of the next steps begins here.
  void restart();
  // Runs what is training too, though no step.
  void time(const std::function<void()>& work);
  // Of training, up to the last log line.
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  static double steady_now_s();

  std::function<double()> now_s_;
  double start_s_, seconds_ = 0;
  int64_t steps_ = 0, samples_ = 0;
};

}  // namespace polyscene
