#include "core/metrics/evaluation.h"

#include <gtest/gtest.h>

#include <limits>

#include "dist/world.h"
#include "ops/base/error.h"
#include "ops/base/philox.h"

namespace polyscene::core {
namespace {

Predictions random_predictions(int64_t rows) {
  PhiloxStream random(7);
  Predictions p;
  p.groups.resize(1);
  for (int64_t i = 0; i < rows; ++i) {
    p.logits.push_back(static_cast<float>(random.next_normal()));
    p.labels.push_back(random.next_below(3) == 0 ? 1.0f : 0.0f);
    p.scenario.push_back(static_cast<int64_t>(random.next_below(5) * random.next_below(5)));
    p.groups[0].push_back(static_cast<int64_t>(random.next_below(300)));
    p.row_keys.push_back(i);
  }
  return p;
}

// The rows at `indices`, in that order.
Predictions pick(const Predictions& p, const std::vector<size_t>& indices) {
  Predictions out;
  out.groups.resize(p.groups.size());
  for (size_t i : indices) {
    out.logits.push_back(p.logits[i]);
    out.labels.push_back(p.labels[i]);
    if (!p.scenario.empty()) out.scenario.push_back(p.scenario[i]);
    for (size_t g = 0; g < p.groups.size(); ++g) out.groups[g].push_back(p.groups[g][i]);
  }
  return out;
}

Evaluation evaluate_alone(const Predictions& p, const std::vector<std::string>& groups) {
  return evaluate(p, groups, *dist::make_single_world());
}

// Two scenarios that rank perfectly (AUC 1) and wrongly (0), and a third without a positive.
Predictions three_scenarios() {
  Predictions p;
  p.logits = {2, 1, 0, 1, 2, 5};
  p.labels = {1, 0, 0, 1, 0, 0};
  p.scenario = {4, 4, 4, 9, 9, 7};
  p.groups = {{1, 1, 2, 2, 1, 1}};
  return p;
}

// S-GAUC = (3 * 1 + 2 * 0) / 5.
TEST(Evaluation, ScenariosByHand) {
  const Evaluation e = evaluate_alone(three_scenarios(), {"user"});
  ASSERT_EQ(e.scenarios.size(), 3u);
  EXPECT_EQ(e.scenarios[0].scenario, 4);
  EXPECT_EQ(e.scenarios[1].scenario, 9);
  EXPECT_EQ(e.scenarios[2].scenario, 7);
  EXPECT_EQ(e.scenarios[0].metrics.auc, 1);
  EXPECT_EQ(e.scenarios[1].metrics.auc, 0);
  EXPECT_FALSE(e.scenarios[2].metrics.auc);
  EXPECT_EQ(e.grouped[0].name, "S-GAUC");
  EXPECT_DOUBLE_EQ(*e.grouped[0].value, 0.6);
  EXPECT_EQ(e.grouped[0].groups_used, 2);
  EXPECT_EQ(e.grouped[0].groups_skipped, 1);
  EXPECT_DOUBLE_EQ(e.grouped[0].rows_kept_share, 5.0 / 6);
  EXPECT_EQ(e.overall.rows, 6);
  EXPECT_EQ(e.overall.positives, 2);
}

// User 1: 2+ against 1-, 2-, 5- gives (1 + 1/2 + 0) / 3; user 2: 1+ over 0- gives 1. User x scenario: only (1, 4).
TEST(Evaluation, GroupsByHand) {
  const Evaluation e = evaluate_alone(three_scenarios(), {"user"});
  ASSERT_EQ(e.grouped.size(), 3u);
  EXPECT_EQ(e.grouped[1].name, "GAUC(user)");
  EXPECT_DOUBLE_EQ(*e.grouped[1].value, (4 * 0.5 + 2 * 1.0) / 6);
  EXPECT_EQ(e.grouped[1].groups_used, 2);
  EXPECT_EQ(e.grouped[2].name, "GAUC(user x scenario)");
  EXPECT_EQ(e.grouped[2].value, 1);
  EXPECT_EQ(e.grouped[2].groups_used, 1);
  EXPECT_EQ(e.grouped[2].groups_skipped, 4);
  EXPECT_DOUBLE_EQ(e.grouped[2].rows_kept_share, 2.0 / 6);
}

TEST(Evaluation, ScenariosComeBySizeThenId) {
  Predictions p;
  p.logits = p.labels = {0, 0, 0, 0};
  p.scenario = {3, -1, 5, 5};
  const Evaluation e = evaluate_alone(p, {});
  EXPECT_EQ(e.scenarios[0].scenario, 5);
  EXPECT_EQ(e.scenarios[1].scenario, -1);
  EXPECT_EQ(e.scenarios[2].scenario, 3);
}

TEST(Evaluation, NoRowsNoScenariosNoGroups) {
  const Evaluation none = evaluate_alone({}, {});
  EXPECT_EQ(none.overall.rows, 0);
  EXPECT_FALSE(none.overall.auc);
  Predictions p = three_scenarios();
  p.scenario.clear();
  const Evaluation e = evaluate_alone(p, {"user"});
  EXPECT_TRUE(e.scenarios.empty());
  ASSERT_EQ(e.grouped.size(), 2u);
  EXPECT_EQ(e.grouped[0].name, "S-GAUC");
  EXPECT_FALSE(e.grouped[0].value);
  EXPECT_EQ(e.grouped[1].name, "GAUC(user)");
}

TEST(Evaluation, EqualBitwiseAtAnyRankCountAndOrder) {
  const Predictions p = random_predictions(5000);
  const std::string wanted = evaluate_alone(p, {"user"}).to_json();
  for (int ranks = 1; ranks <= 4; ++ranks) {
    std::vector<std::vector<size_t>> shares(static_cast<size_t>(ranks));
    PhiloxStream random(static_cast<uint64_t>(ranks));
    const bool leave_one_empty = ranks == 4;
    for (size_t i = p.logits.size(); i-- > 0;)
      shares[random.next_below(static_cast<uint64_t>(ranks - leave_one_empty))].push_back(i);
    std::vector<std::string> got(static_cast<size_t>(ranks));
    dist::run_local_ranks(ranks, [&](dist::Communicator& c) {
      const size_t r = static_cast<size_t>(c.rank());
      got[r] = evaluate(pick(p, shares[r]), {"user"}, c).to_json();
    });
    for (const std::string& json : got) EXPECT_EQ(json, wanted) << ranks << " ranks";
  }
}

template <class E>
std::string error_of(const Predictions& p, const std::vector<std::string>& groups) {
  try {
    (void)evaluate_alone(p, groups);
  } catch (const E& e) {
    return e.what();
  }
  return "no error";
}

TEST(Evaluation, RefusesWhatHasNoMetric) {
  Predictions p = three_scenarios();
  p.logits[1] = std::numeric_limits<float>::quiet_NaN();
  p.logits[2] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of<InvalidArgument>(p, {"user"}),
            "[metrics] wanted finite logits, got 2 NaN or infinite of 6; the model has diverged: lower the learning "
            "rates, set "
            "train.clip_norm, or find the node with --set train.debug_finite=true");
  p = three_scenarios();
  p.labels[3] = 0.5f;
  EXPECT_EQ(error_of<DataError>(p, {"user"}), "[metrics] wanted labels 0 and 1, got 1 others of 6");
}

TEST(Evaluation, RefusesColumnsOfUnequalLength) {
  Predictions p = three_scenarios();
  p.labels.pop_back();
  EXPECT_EQ(error_of<InvalidArgument>(p, {"user"}), "[metrics] wanted 6 rows in labels, as many as logits, got 5");
  p = three_scenarios();
  p.scenario.pop_back();
  EXPECT_EQ(error_of<InvalidArgument>(p, {"user"}), "[metrics] wanted 6 rows in scenario, as many as logits, got 5");
  p = three_scenarios();
  p.groups[0].clear();
  EXPECT_EQ(error_of<InvalidArgument>(p, {"user"}), "[metrics] wanted 6 rows in a group key, as many as logits, got 0");
  EXPECT_EQ(error_of<InvalidArgument>(three_scenarios(), {}), "[metrics] wanted one column per group key (0), got 1");
}

}  // namespace
}  // namespace polyscene::core
