#include "core/train/report/pace.h"

#include <gtest/gtest.h>

namespace polyscene::core {
namespace {

class PaceTest : public ::testing::Test {
 protected:
  double now_s_ = 100;
  Pace pace_{[this] { return now_s_; }};
};

TEST_F(PaceTest, ALapTellsTheStepsSinceTheLastOne) {
  EXPECT_FALSE(pace_.has_steps());
  pace_.add_step(30);
  pace_.add_step(10);
  EXPECT_TRUE(pace_.has_steps());
  now_s_ += 4;
  Pace::Lap lap = pace_.take_lap();
  EXPECT_EQ(lap.samples_s, 10);
  EXPECT_EQ(lap.step_s, 2);
  EXPECT_FALSE(pace_.has_steps());
  pace_.restart();
  pace_.add_step(6);
  now_s_ += 2;
  lap = pace_.take_lap();
  EXPECT_EQ(lap.samples_s, 3);
  EXPECT_EQ(lap.step_s, 2);
  EXPECT_EQ(pace_.seconds(), 6);
}

TEST_F(PaceTest, WhatIsNoTrainingIsLeftOut) {
  pace_.add_step(30);
  now_s_ += 3;
  (void)pace_.take_lap();
  now_s_ += 1000;  // an evaluation
  pace_.restart();
  pace_.add_step(30);
  now_s_ += 2;
  EXPECT_EQ(pace_.take_lap().samples_s, 15);
  EXPECT_EQ(pace_.seconds(), 5);
}

TEST_F(PaceTest, TimedWorkIsTraining) {
  pace_.time([this] { now_s_ += 7; });
  EXPECT_EQ(pace_.seconds(), 7);
}

TEST_F(PaceTest, AClockThatStandsStillGivesNumbers) {
  pace_.add_step(1);
  EXPECT_DOUBLE_EQ(pace_.take_lap().samples_s, 1e9);
}

}  // namespace
}  // namespace polyscene::core
