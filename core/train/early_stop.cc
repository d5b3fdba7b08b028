#include "core/train/early_stop.h"

namespace polyscene {

const char* EarlyStop::metric_name() const {
  switch (settings_.metric()) {
    case config::EarlyStop::AUC:
      return "AUC";
    case config::EarlyStop::LOGLOSS:
      return "logloss";
    case config::EarlyStop::S_GAUC:
      return "S-GAUC";
  }
  return "";
}

std::optional<double> EarlyStop::value(const Evaluation& evaluation) const {
  switch (settings_.metric()) {
    case config::EarlyStop::AUC:
      return evaluation.overall.auc;
    case config::EarlyStop::LOGLOSS:
      return evaluation.overall.logloss;
    case config::EarlyStop::S_GAUC:
      return evaluation.grouped.empty() ? std::nullopt : evaluation.grouped.front().value;
  }
  return std::nullopt;
}

bool EarlyStop::update(const Evaluation& evaluation) {
  const std::optional<double> now = value(evaluation);
  const double sign = settings_.metric() == config::EarlyStop::LOGLOSS ? -1 : 1;
  if (now && (!best_ || sign * (*now - *best_) > settings_.min_delta())) {
    best_ = now;
    misses_ = 0;
    return true;
  }
  ++misses_;
  return false;
}

}  // namespace polyscene
