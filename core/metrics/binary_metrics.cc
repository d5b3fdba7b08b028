#include "core/metrics/binary_metrics.h"

#include <cmath>

#include "ops/base/philox.h"
#include "ops/base/ratio.h"

namespace polyscene::core {
namespace {

double sigmoid(double z) {
  const double e = std::exp(-std::fabs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

// Entropy of a Bernoulli variable in nats; 0 at rates 0 and 1.
double entropy(double rate) {
  const auto term = [](double p) { return p > 0 ? -p * std::log(p) : 0; };
  return term(rate) + term(1 - rate);
}

}  // namespace

double logloss_of(double logit, bool positive) {
  return std::max(logit, 0.0) - (positive ? logit : 0.0) + std::log1p(std::exp(-std::fabs(logit)));
}

std::optional<double> auc_of(std::span<const ScoredRow> rows) {
  uint128 wins_twice = 0;  // 2 per pair in the right order, 1 per tie
  uint64_t negatives = 0, positives = 0;
  for (size_t begin = 0; begin < rows.size();) {
    uint64_t tied[2] = {0, 0};
    size_t end = begin;
    for (; end < rows.size() && rows[end].score >> 1 == rows[begin].score >> 1; ++end)
      ++tied[is_positive(rows[end].score)];
    wins_twice += uint128{tied[1]} * (2 * negatives + tied[0]);
    negatives += tied[0];
    positives += tied[1];
    begin = end;
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  return static_cast<double>(wins_twice) / (2.0 * static_cast<double>(uint128{negatives} * positives));
}

Metrics metrics_of(std::span<const ScoredRow> rows) {
  Metrics m;
  double loss = 0, probability = 0;
  for (const ScoredRow& row : rows) {
    const double logit = logit_of(row.score);
    const bool positive = is_positive(row.score);
    loss += logloss_of(logit, positive);
    probability += sigmoid(logit);
    m.positives += positive;
  }
  m.rows = std::ssize(rows);
  m.auc = auc_of(rows);
  if (m.rows == 0) return m;
  m.logloss = loss / static_cast<double>(m.rows);
  if (m.positives > 0) m.calibration = probability / static_cast<double>(m.positives);
  const double base = entropy(ratio(m.positives, m.rows));
  if (m.auc) m.normalized_entropy = *m.logloss / base;
  return m;
}

}  // namespace polyscene::core
