#include "ops/optim/dense_optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/base/thread.h"
#include "tests/support/compare.h"
#include "tests/support/message_of.h"
#include "tests/support/random.h"

namespace polyscene::testing {
namespace {

using Options = DenseOptimizerOptions;
using Kind = DenseOptimizerOptions::Kind;

// One parameter from its textbook, in double: what the fused pass is checked against.
struct ScalarReference {
  Options o;
  bool decays;
  double x, m = 0, v = 0, accumulator = o.initial_accumulator;
  int steps = 0;

  void step(double g, double factor) {
    ++steps;
    const double rate = o.learning_rate * factor, decay = decays ? o.weight_decay : 0;
    if (o.kind != Kind::kAdamW) g += decay * x;
    if (o.kind == Kind::kAdam || o.kind == Kind::kAdamW) {
      m = o.beta1 * m + (1 - o.beta1) * g;
      v = o.beta2 * v + (1 - o.beta2) * g * g;
      const double m_hat = m / (1 - std::pow(o.beta1, steps)), v_hat = v / (1 - std::pow(o.beta2, steps));
      if (o.kind == Kind::kAdamW) x -= rate * decay * x;
      x -= rate * m_hat / (std::sqrt(v_hat) + o.epsilon);
    } else if (o.kind == Kind::kAdagrad) {
      accumulator += g * g;
      x -= rate * g / (std::sqrt(accumulator) + o.epsilon);
    } else {
      x -= rate * g;
    }
  }
};

float after_one_step(Options options, float x, float gradient, double factor = 1) {
  DenseOptimizer optimizer(options, {true});
  optimizer.step({&x, 1}, {&gradient, 1}, factor);
  return x;
}

// The first Adam step is learning_rate * sign(gradient), whatever the gradient's size.
TEST(DenseOptimizer, FirstStepsByHand) {
  EXPECT_FLOAT_EQ(after_one_step({.kind = Kind::kAdam, .learning_rate = 0.1}, 1, 250), 0.9f);
  EXPECT_FLOAT_EQ(after_one_step({.kind = Kind::kAdam, .learning_rate = 0.1}, 1, -0.5f), 1.1f);
  EXPECT_FLOAT_EQ(after_one_step({.kind = Kind::kAdamW, .learning_rate = 0.1, .weight_decay = 0.5}, 2, 3), 1.8f);
  EXPECT_FLOAT_EQ(after_one_step({.kind = Kind::kSgd, .learning_rate = 0.1, .weight_decay = 0.5}, 2, 3), 1.6f);
  EXPECT_FLOAT_EQ(after_one_step({.kind = Kind::kSgd, .learning_rate = 0.1}, 2, 3, /*factor=*/0.5), 1.85f);
  // 1 - 0.1 * 4 / sqrt(9 + 16)
  EXPECT_FLOAT_EQ(
      after_one_step({.kind = Kind::kAdagrad, .learning_rate = 0.1, .epsilon = 0, .initial_accumulator = 9}, 1, 4),
      0.92f);
}

class EveryKind : public ::testing::TestWithParam<Kind> {};

TEST_P(EveryKind, FollowsTheScalarReference) {
  constexpr size_t kSize = 40000;  // several chunks
  const Options options{.kind = GetParam(), .learning_rate = 0.01, .weight_decay = 0.1};
  std::vector<bool> decay(kSize);
  for (size_t i = 0; i < kSize; ++i) decay[i] = i % 1000 < 900 && i < 39000;
  DenseOptimizer optimizer(options, decay);
  const Tensor x = random_tensor<float>({static_cast<int64_t>(kSize)}, 1);
  std::vector<ScalarReference> reference;
  for (size_t i = 0; i < kSize; ++i) reference.push_back({options, decay[i], x.elements<float>()[i]});
  for (uint64_t step = 0; step < 5; ++step) {
    // Larger than the decay, which they must not cancel: Adam's first step is a sign, and that of a difference of two
    // equal numbers depends on how they were rounded.
    const Tensor g = random_tensor<float>(x.shape(), 10 + step, 0.2, 1);
    for (size_t i = 0; i < kSize; i += 2) g.elements<float>()[i] *= -1;
    const double factor = 1.0 / static_cast<double>(step + 1);
    optimizer.step(x.elements<float>(), g.elements<float>(), factor);
    for (size_t i = 0; i < kSize; ++i) reference[i].step(g.elements<float>()[i], factor);
  }
  std::vector<double> want;
  for (const ScalarReference& r : reference) want.push_back(r.x);
  EXPECT_TRUE(all_close(x.elements<float>(), std::span(want), {.relative = 1e-5, .absolute = 1e-6}));
}

TEST_P(EveryKind, SameBitsOnAnyNumberOfThreads) {
  const int before = thread_count();
  const auto trained = [&](int threads) {
    set_thread_count(threads);
    const Tensor x = random_tensor<float>({50000}, 1), g = random_tensor<float>({50000}, 2);
    DenseOptimizer optimizer({.kind = GetParam(), .weight_decay = 0.1}, std::vector<bool>(50000, true));
    for (int i = 0; i < 3; ++i) optimizer.step(x.elements<float>(), g.elements<float>());
    return x;
  };
  const Tensor one = trained(1), three = trained(3);
  set_thread_count(before);
  EXPECT_TRUE(same_bits(three, one));
}

// A checkpoint holds the state's spans and the step count: a fresh optimiser given them goes on bit by bit.
TEST_P(EveryKind, StateCarriesOver) {
  const Options options{.kind = GetParam(), .weight_decay = 0.1};
  const std::vector<bool> decay(1000, true);
  const Tensor x = random_tensor<float>({1000}, 1), g = random_tensor<float>({1000}, 2);
  DenseOptimizer first(options, decay), second(options, decay);
  for (int i = 0; i < 3; ++i) first.step(x.elements<float>(), g.elements<float>());
  const Tensor resumed = x.clone();
  const auto from = first.state(), to = second.state();
  ASSERT_EQ(from.size(), to.size());
  for (size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    EXPECT_EQ(from[i].values.size(), 1000u);
    std::ranges::copy(from[i].values, to[i].values.begin());
  }
  second.set_step_count(first.step_count());
  EXPECT_EQ(second.step_count(), 3);
  first.step(x.elements<float>(), g.elements<float>());
  second.step(resumed.elements<float>(), g.elements<float>());
  EXPECT_TRUE(same_bits(resumed, x));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, ::testing::Values(Kind::kAdam, Kind::kAdamW, Kind::kAdagrad, Kind::kSgd));

TEST(DenseOptimizer, StatesByName) {
  const auto names = [](Kind kind) {
    DenseOptimizer optimizer({.kind = kind}, {true});
    std::string all;
    for (const auto& s : optimizer.state()) all += str(s.name, ' ');
    return all;
  };
  EXPECT_EQ(names(Kind::kAdam), "m v ");
  EXPECT_EQ(names(Kind::kAdamW), "m v ");
  EXPECT_EQ(names(Kind::kAdagrad), "accumulator ");
  EXPECT_EQ(names(Kind::kSgd), "");
}

TEST(DenseOptimizer, SizesAreChecked) {
  DenseOptimizer optimizer({}, {true, false});
  std::vector<float> x(2), g(3);
  EXPECT_EQ(message_of([&] { optimizer.step(x, g); }),
            "[ops.optim] wanted 2 parameters and as many gradients, got 2 and 3");
}

TEST(GlobalNorm, HandWorkedAndClipped) {
  std::vector<float> g(20003, 0.0f);
  g[0] = 3;
  g[20002] = -4;
  EXPECT_EQ(global_norm(g), 5);
  clip_to_norm(g, 5, 10);
  EXPECT_EQ(g[0], 3);
  clip_to_norm(g, 5, 1);
  EXPECT_FLOAT_EQ(g[0], 0.6f);
  EXPECT_FLOAT_EQ(g[20002], -0.8f);
  EXPECT_EQ(global_norm({}), 0);
}

TEST(GlobalNorm, SumsInDoubleAndShowsNan) {
  std::vector<float> g(1 << 20, 1e-3f);
  EXPECT_NEAR(global_norm(g), 1.024, 1e-6);
  g[12345] = std::nanf("");
  EXPECT_TRUE(std::isnan(global_norm(g)));
  std::vector<float> huge(4, 1e30f);
  EXPECT_NEAR(global_norm(huge), 2e30, 1e24);  // its squares are beyond float
}

}  // namespace
}  // namespace polyscene::testing
