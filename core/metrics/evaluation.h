// Exact ranking and calibration metrics of a set of predictions, per scenario and overall, equal at any rank count.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace polyscene::core {

// Scored rows of one rank. All columns have one length. `groups`: one column per group key (e.g. user). `scenario` may
// be empty on all ranks: then there are no metrics per scenario. evaluate() does not read `row_keys`.
struct Predictions {
  std::vector<float> logits, labels;
  std::vector<int64_t> scenario, row_keys;
  std::vector<std::vector<int64_t>> groups;
};

// Metrics of one set of rows; no value when a metric is undefined (no rows, one class only).
struct Metrics {
  int64_t rows = 0, positives = 0;
  std::optional<double> auc, logloss, calibration, normalized_entropy;
};

// Mean AUC over groups that hold both classes, weighted by their rows.
struct GroupedAuc {
  std::string name;  // "S-GAUC", "GAUC(user)", "GAUC(user x scenario)"
  std::optional<double> value;
  int64_t groups_used = 0, groups_skipped = 0;
  double rows_kept_share = 0;
};

struct ScenarioMetrics {
  int64_t scenario = 0;
  Metrics metrics;
  std::optional<std::string> name = {};  // replaces the number if that is a string's hash or no int64

  [[nodiscard]] std::string text() const { return name ? *name : std::to_string(scenario); }
};

struct Evaluation {
  Metrics overall;
  std::vector<GroupedAuc> grouped;         // S-GAUC first
  std::vector<ScenarioMetrics> scenarios;  // most rows first, then by id

  [[nodiscard]] std::string to_json() const;  // one line
  void print(std::ostream& out) const;        // an aligned table
};

// Collective. Every rank passes its rows and gets the same result. group_names [groups]. Throws on all ranks:
// InvalidArgument when a logit is not finite, DataError when a label is neither 0 nor 1.
[[nodiscard]] Evaluation evaluate(const Predictions& mine, const std::vector<std::string>& group_names,
                                  dist::Communicator& communicator);

}  // namespace polyscene::core
