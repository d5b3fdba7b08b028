// Watches one validation metric: keeps the best, and tells when it has not improved for long enough.
#pragma once

#include <optional>

#include "core/config/experiment.pb.h"
#include "core/metrics/evaluation.h"

namespace polyscene {

class EarlyStop {
 public:
  explicit EarlyStop(const config::EarlyStop& settings) : settings_(settings) {}

  // Takes one evaluation; true when it is the best so far. An undefined metric is never the best.
  bool update(const Evaluation& evaluation);
  [[nodiscard]] bool should_stop() const { return misses_ >= settings_.patience(); }
  // The metric's best value; nothing before the first defined one.
  [[nodiscard]] std::optional<double> best() const { return best_; }
  [[nodiscard]] const char* metric_name() const;
  // Evaluations without improvement since the best; and both as they were in an earlier run.
  [[nodiscard]] int misses() const { return misses_; }
  void restore(std::optional<double> best, int misses) {
    best_ = best;
    misses_ = misses;
  }

 private:
  [[nodiscard]] std::optional<double> value(const Evaluation& evaluation) const;

  config::EarlyStop settings_;
  std::optional<double> best_;
  int misses_ = 0;
};

}  // namespace polyscene
