#include "embedding/update/sparse_optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "embedding/update/finite_check.h"
#include "tests/embedding/message_of.h"

namespace polyscene::embedding {
namespace {

using Kind = SparseOptimizer::Kind;
using testing::message_of;

struct Row {
  std::vector<float> values, state;
};

void step(const SparseOptimizer& optimizer, int64_t t, Row& row, const std::vector<float>& gradient,
          double factor = 1) {
  const RowUpdate update{.values = row.values.data(), .state = row.state.data(), .gradient = gradient.data()};
  update_rows(optimizer_step(optimizer, t, factor), static_cast<int64_t>(row.values.size()), {&update, 1});
}

TEST(SparseOptimizer, SgdByHand) {
  Row row{.values = {1, 2}, .state = {}};
  step({.kind = Kind::kSgd, .learning_rate = 0.5, .weight_decay = 0.1}, 1, row, {1, -1});
  EXPECT_FLOAT_EQ(row.values[0], 1 - 0.5f * 1.1f);
  EXPECT_FLOAT_EQ(row.values[1], 2 - 0.5f * -0.8f);
}

TEST(SparseOptimizer, AdagradByHand) {
  Row row{.values = {0, 0}, .state = {0.75f, 0.75f}};
  step({.kind = Kind::kAdagrad, .learning_rate = 1}, 1, row, {0.5f, 1.5f});
  EXPECT_FLOAT_EQ(row.state[0], 1);
  EXPECT_FLOAT_EQ(row.state[1], 3);
  EXPECT_FLOAT_EQ(row.values[0], -0.5f);
  EXPECT_FLOAT_EQ(row.values[1], -1.5f / std::sqrt(3.0f));
}

TEST(SparseOptimizer, RowWiseAdagradByHand) {
  Row row{.values = {0, 0}, .state = {3}};
  step({.kind = Kind::kRowWiseAdagrad, .learning_rate = 1}, 1, row, {-1, 1});
  EXPECT_FLOAT_EQ(row.state[0], 4);
  EXPECT_FLOAT_EQ(row.values[0], 0.5f);
  EXPECT_FLOAT_EQ(row.values[1], -0.5f);
}

TEST(SparseOptimizer, LazyAdamMovesANewRowByTheLearningRateAtTheFirstStep) {
  Row row{.values = {0, 0, 0}, .state = std::vector<float>(6)};
  step({.kind = Kind::kLazyAdam, .learning_rate = 0.01}, 1, row, {5, -0.1f, 0});
  EXPECT_NEAR(row.values[0], -0.01, 1e-7);
  EXPECT_NEAR(row.values[1], 0.01, 1e-7);
  EXPECT_EQ(row.values[2], 0);
}

TEST(SparseOptimizer, LazyAdamTakesOneMinusBetaBeforeRounding) {
  Row row{.values = {0}, .state = std::vector<float>(2)};
  step({.kind = Kind::kLazyAdam, .beta1 = 0.999, .beta2 = 0.9999}, 1, row, {1});
  EXPECT_FLOAT_EQ(row.state[0], 1e-3f);
  EXPECT_FLOAT_EQ(row.state[1], 1e-4f);
}

TEST(SparseOptimizer, FactorScalesTheStep) {
  for (const Kind kind : {Kind::kSgd, Kind::kAdagrad, Kind::kRowWiseAdagrad, Kind::kLazyAdam}) {
    const SparseOptimizer optimizer{.kind = kind, .learning_rate = 0.5};
    const auto moved = [&](double factor) {
      Row row{.values = {0}, .state = std::vector<float>(2, 0.1f)};
      step(optimizer, 3, row, {1}, factor);
      return row.values[0];
    };
    EXPECT_FLOAT_EQ(moved(0.25), 0.25f * moved(1));
    EXPECT_EQ(moved(0), 0.0f);
  }
}

TEST(SparseOptimizer, StateWidths) {
  EXPECT_EQ(SparseOptimizer{.kind = Kind::kLazyAdam}.state_width(7), 14);
  EXPECT_EQ(SparseOptimizer{.kind = Kind::kAdagrad}.state_width(7), 7);
  EXPECT_EQ(SparseOptimizer{.kind = Kind::kRowWiseAdagrad}.state_width(7), 1);
  EXPECT_EQ(SparseOptimizer{.kind = Kind::kSgd}.state_width(7), 0);
}

TEST(SparseOptimizer, SaysWhichFieldIsWrong) {
  const auto message = [](SparseOptimizer o) { return message_of([&] { check_optimizer(o, "item"); }); };
  EXPECT_EQ(message({.learning_rate = -1}),
            "[embedding.update] table \"item\": wanted optimizer.learning_rate of at least 0, got -1");
  EXPECT_EQ(message({.beta1 = 1}), "[embedding.update] table \"item\": wanted optimizer.beta1 in [0, 1), got 1");
  EXPECT_EQ(message({.beta2 = -0.5}), "[embedding.update] table \"item\": wanted optimizer.beta2 in [0, 1), got -0.5");
  EXPECT_EQ(message({.epsilon = 1e-60}),
            "[embedding.update] table \"item\": wanted optimizer.epsilon above 0 in float32, got 1e-60");
  EXPECT_EQ(message({.initial_accumulator = std::numeric_limits<double>::infinity()}),
            "[embedding.update] table \"item\": wanted optimizer.initial_accumulator of at least 0, got inf");
  EXPECT_EQ(message({.weight_decay = std::numeric_limits<double>::quiet_NaN()}),
            "[embedding.update] table \"item\": wanted optimizer.weight_decay of at least 0, got nan");
  EXPECT_EQ(message({}), "nothing thrown");
}

TEST(FiniteCheck, FindsTheFirstOfAnyKindAtAnyPlace) {
  constexpr float kBad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()};
  std::vector<float> values(67, std::numeric_limits<float>::max());
  EXPECT_EQ(first_not_finite(values), values.size());
  for (const float bad : kBad) {
    for (size_t at = 0; at < values.size(); ++at) {
      values[at] = bad;
      EXPECT_EQ(first_not_finite(values), at);
      values[at] = -1;
    }
  }
  values[66] = values[40] = kBad[0];
  EXPECT_EQ(first_not_finite(values), 40u);
  EXPECT_EQ(first_not_finite({}), 0u);
}

}  // namespace
}  // namespace polyscene::embedding
