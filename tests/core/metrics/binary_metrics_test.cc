#include "core/metrics/binary_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

struct Example {
  float logit;
  bool positive;
};

std::vector<ScoredRow> sorted_rows(const std::vector<Example>& examples) {
  std::vector<ScoredRow> rows;
  for (const Example& e : examples) rows.push_back({0, 0, pack_score(e.logit, e.positive)});
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST(PackScore, KeepsValueLabelAndOrder) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> ascending = {-inf, -3.5f, -1e-40f, 0.0f, 1e-40f, 2.0f, 1e30f, inf};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (bool positive : {false, true}) {
      EXPECT_EQ(logit_of(pack_score(ascending[i], positive)), ascending[i]);
      EXPECT_EQ(is_positive(pack_score(ascending[i], positive)), positive);
    }
    if (i > 0) {
      EXPECT_LT(pack_score(ascending[i - 1], true), pack_score(ascending[i], false));
    }
  }
  EXPECT_EQ(pack_score(-0.0f, true), pack_score(0.0f, true));
}

// Pairs: (0.8, 0.6) right, (0.8, 0.2) right, (0.4, 0.6) wrong, (0.4, 0.2) right.
TEST(Auc, ByHand) { EXPECT_EQ(auc_of(sorted_rows({{0.8f, true}, {0.4f, true}, {0.6f, false}, {0.2f, false}})), 0.75); }

TEST(Auc, TiesCountHalf) {
  EXPECT_EQ(auc_of(sorted_rows({{1, true}, {1, false}})), 0.5);
  EXPECT_EQ(auc_of(sorted_rows({{1, true}, {1, false}, {0, false}, {0, true}})), 0.5);
  EXPECT_EQ(auc_of(sorted_rows({{1, true}, {1, false}, {0, false}})), 0.75);
}

TEST(Auc, OneClassIsUndefined) {
  EXPECT_FALSE(auc_of(sorted_rows({{1, true}, {2, true}})));
  EXPECT_FALSE(auc_of(sorted_rows({{1, false}})));
  EXPECT_FALSE(auc_of({}));
}

TEST(Auc, EqualsAllPairsOnRandomRowsWithTies) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    PhiloxStream random(seed);
    std::vector<Example> examples(200);
    for (Example& e : examples)
      e = {static_cast<float>(random.next_below(seed < 10 ? 15 : 10000)) - 7, random.next_below(3) == 0};
    double wins = 0, pairs = 0;
    for (const Example& a : examples)
      for (const Example& b : examples)
        if (a.positive && !b.positive) {
          wins += a.logit > b.logit ? 1 : a.logit == b.logit ? 0.5 : 0;
          pairs += 1;
        }
    EXPECT_EQ(auc_of(sorted_rows(examples)), wins / pairs) << "seed " << seed;
  }
}

TEST(Logloss, IsStableAtLargeLogits) {
  EXPECT_DOUBLE_EQ(logloss_of(0, true), std::log(2.0));
  EXPECT_DOUBLE_EQ(logloss_of(2, true), 0.12692801104297249644);
  EXPECT_DOUBLE_EQ(logloss_of(2, false), 2.12692801104297249644);
  EXPECT_EQ(logloss_of(1000, false), 1000);
  EXPECT_EQ(logloss_of(1000, true), 0);
  EXPECT_EQ(logloss_of(-1000, true), 1000);
}

// p = 1/2 everywhere, one of four positive: calibration 2/1; NE = ln 2 / entropy(1/4).
TEST(MetricsOf, ByHand) {
  const Metrics m = metrics_of(sorted_rows({{0, true}, {0, false}, {0, false}, {0, false}}));
  EXPECT_EQ(m.rows, 4);
  EXPECT_EQ(m.positives, 1);
  EXPECT_EQ(m.auc, 0.5);
  EXPECT_DOUBLE_EQ(*m.logloss, std::log(2.0));
  EXPECT_DOUBLE_EQ(*m.calibration, 2);
  EXPECT_DOUBLE_EQ(*m.normalized_entropy, std::log(2.0) / (0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3)));
}

TEST(MetricsOf, PredictingTheBaseRateHasEntropyOne) {
  const float logit = std::log(3.0f);
  const Metrics m = metrics_of(sorted_rows({{logit, true}, {logit, true}, {logit, true}, {logit, false}}));
  EXPECT_NEAR(*m.normalized_entropy, 1, 1e-7);
  EXPECT_NEAR(*m.calibration, 1, 1e-7);
}

TEST(MetricsOf, WhatIsUndefined) {
  const Metrics none = metrics_of({});
  EXPECT_FALSE(none.auc || none.logloss || none.calibration || none.normalized_entropy);
  const Metrics negative = metrics_of(sorted_rows({{1, false}}));
  EXPECT_TRUE(negative.logloss);
  EXPECT_FALSE(negative.auc || negative.calibration || negative.normalized_entropy);
  const Metrics positive = metrics_of(sorted_rows({{1, true}}));
  EXPECT_TRUE(positive.logloss && positive.calibration);
  EXPECT_FALSE(positive.auc || positive.normalized_entropy);
}

}  // namespace
}  // namespace polyscene::core
