#include "core/train/schedule.h"

#include <algorithm>
#include <cmath>

#include "ops/base/ratio.h"

namespace polyscene::core {

double learning_rate_factor(const config::Schedule& schedule, int64_t step, int64_t total_steps) {
  const int64_t warmup = schedule.warmup_steps();
  if (step < warmup) return ratio(step + 1, warmup);
  const int64_t steps =
      schedule.decay_steps() > 0 ? schedule.decay_steps() : std::max<int64_t>(1, total_steps - warmup);
  const double progress = ratio(step - warmup, steps);
  const double end = schedule.final_factor();
  switch (schedule.decay()) {
    case config::Schedule::CONSTANT:
      return 1;
    case config::Schedule::LINEAR:
      return 1 + (end - 1) * std::min(1.0, progress);
    case config::Schedule::COSINE:
      return end + (1 - end) * 0.5 * (1 + std::cos(3.14159265358979323846 * std::min(1.0, progress)));
    case config::Schedule::EXPONENTIAL:
      return std::pow(end, progress);
  }
  return 1;
}

}  // namespace polyscene::core
