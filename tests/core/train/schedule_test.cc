// The factor of both learning rates at every kind of step, first and last ones included.
#include "core/train/schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace polyscene::testing {
namespace {

using config::Schedule;

Schedule schedule(Schedule::Decay decay, int64_t warmup_steps, int64_t decay_steps, double final_factor) {
  Schedule s;
  s.set_decay(decay);
  s.set_warmup_steps(warmup_steps);
  s.set_decay_steps(decay_steps);
  s.set_final_factor(final_factor);
  return s;
}

std::vector<double> factors(const Schedule& s, const std::vector<int64_t>& steps, int64_t total_steps) {
  std::vector<double> all;
  for (const int64_t step : steps) all.push_back(core::learning_rate_factor(s, step, total_steps));
  return all;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-12) << "number " << i;
}

TEST(Schedule, WithoutOneTheFactorIsOne) {
  EXPECT_EQ(factors({}, {0, 1, 99, 100, std::numeric_limits<int64_t>::max()}, 100), std::vector<double>(5, 1.0));
  EXPECT_EQ(factors({}, {0, 7}, 0), std::vector<double>(2, 1.0));
}

TEST(Schedule, WarmUpBeginsWithOneShareAndReachesOneAtItsLastStep) {
  EXPECT_EQ(factors(schedule(Schedule::CONSTANT, 4, 0, 0), {0, 1, 2, 3, 4, 5, 1000}, 100),
            (std::vector<double>{0.25, 0.5, 0.75, 1, 1, 1, 1}));
  EXPECT_EQ(factors(schedule(Schedule::CONSTANT, 1, 0, 0), {0, 1}, 100), (std::vector<double>{1, 1}));
}

TEST(Schedule, EveryDecayBeginsAtOneBehindTheSameWarmUp) {
  for (const auto decay : {Schedule::CONSTANT, Schedule::LINEAR, Schedule::COSINE, Schedule::EXPONENTIAL})
    EXPECT_EQ(factors(schedule(decay, 2, 10, 0.25), {0, 1, 2}, 100), (std::vector<double>{0.5, 1, 1}))
        << Schedule::Decay_Name(decay);
}

TEST(Schedule, LinearDecayFallsInEqualStepsAndStaysAtItsEnd) {
  expect_near(factors(schedule(Schedule::LINEAR, 2, 10, 0.5), {2, 3, 7, 11, 12, 13, 1'000'000}, 50),
              {1, 0.95, 0.75, 0.55, 0.5, 0.5, 0.5});
}

TEST(Schedule, CosineDecayIsHalfWayInTheMiddleAndStaysAtItsEnd) {
  // At a quarter, a half, three quarters: (1 + cos(pi / 4)) / 2 of the way above the end.
  expect_near(factors(schedule(Schedule::COSINE, 0, 8, 0.2), {0, 2, 4, 6, 8, 9, 1'000'000}, 50),
              {1, 0.2 + 0.8 * 0.85355339059327373, 0.6, 0.2 + 0.8 * 0.14644660940672624, 0.2, 0.2, 0.2});
}

TEST(Schedule, ExponentialDecayGoesOnPastItsSteps) {
  expect_near(factors(schedule(Schedule::EXPONENTIAL, 1, 10, 0.25), {1, 6, 11, 21, 31}, 20),
              {1, 0.5, 0.25, 0.0625, 0.015625});
}

TEST(Schedule, WithoutDecayStepsADecayEndsWithTheRun) {
  expect_near(factors(schedule(Schedule::LINEAR, 4, 0, 0), {4, 9, 13, 14}, 14), {1, 0.5, 0.1, 0});
  expect_near(factors(schedule(Schedule::COSINE, 4, 0, 0), {4, 9, 14}, 14), {1, 0.5, 0});
}

TEST(Schedule, ARunThatEndsWithItsWarmUpHasOneStepOfDecay) {
  for (const int64_t total_steps : {5, 3, 0})
    expect_near(factors(schedule(Schedule::LINEAR, 5, 0, 0.25), {4, 5, 6, 7}, total_steps), {1, 1, 0.25, 0.25});
}

TEST(Schedule, AFinalFactorOfOneIsNoDecay) {
  for (const auto decay : {Schedule::LINEAR, Schedule::COSINE, Schedule::EXPONENTIAL})
    expect_near(factors(schedule(decay, 0, 10, 1), {0, 3, 10, 77}, 100), {1, 1, 1, 1});
}

TEST(Schedule, FactorsLieBetweenZeroAndOneAndNeverRiseBehindTheWarmUp) {
  for (const auto decay : {Schedule::CONSTANT, Schedule::LINEAR, Schedule::COSINE, Schedule::EXPONENTIAL})
    for (const double final_factor : {0.0, 0.1, 1.0}) {
      const Schedule s = schedule(decay, 3, 7, final_factor);
      double before = 1;
      for (int64_t step = 0; step < 30; ++step) {
        const double factor = core::learning_rate_factor(s, step, 20);
        EXPECT_TRUE(factor >= 0 && factor <= 1) << Schedule::Decay_Name(decay) << " step " << step << ": " << factor;
        if (step >= 3) {
          EXPECT_LE(factor, before) << Schedule::Decay_Name(decay) << " step " << step;
          before = factor;
        }
      }
    }
}

}  // namespace
}  // namespace polyscene::testing
