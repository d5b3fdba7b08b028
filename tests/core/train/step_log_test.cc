// Log lines come in order, each with the mean loss of its own steps: at once on the host, and some steps later from a
// device, which is not waited for.
#include "core/train/step_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <sstream>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"
#include "tests/support/temporary_folder.h"

namespace polyscene::testing {
namespace {

class StepLogTest : public FolderTest {
 protected:
  [[nodiscard]] core::Batch batch(const dist::Communicator& communicator, int64_t step) const {
    return random_batch(schema_, rows_ / communicator.size(), static_cast<uint64_t>(step * 10 + communicator.rank()));
  }
  void train(core::Session& session, int64_t step) const {
    session.train_step(batch(session.communicator(), step), rows_, 1);
  }
  // This rank's part of the loss of each step from 1 on, of a session that nobody logs.
  [[nodiscard]] std::vector<double> losses(dist::Communicator& communicator, int64_t steps) const {
    core::Session session(experiment_, schema_, on_host(communicator));
    std::vector<double> all;
    for (int64_t step = 1; step <= steps; ++step) {
      train(session, step);
      all.push_back(session.take_losses());
    }
    return all;
  }
  [[nodiscard]] static double mean(const std::vector<double>& losses, int64_t from, int64_t to) {
    return std::accumulate(losses.begin() + from, losses.begin() + to, 0.0) / static_cast<double>(to - from);
  }
  struct Line {
    int64_t step;
    double loss, learning_rate;
  };
  [[nodiscard]] std::vector<Line> lines() const {
    std::vector<Line> all;
    std::istringstream text(read("run/metrics.jsonl"));
    for (std::string line; std::getline(text, line);) {
      Line& l = all.emplace_back();
      double epoch = 0;
      EXPECT_EQ(
          std::sscanf(line.c_str(),
                      "{\"kind\": \"train\", \"step\": %ld, \"epoch\": %lf, \"loss\": %lf, \"learning_rate\": %lf",
                      &l.step, &epoch, &l.loss, &l.learning_rate),
          4)
          << line;
    }
    return all;
  }
  [[nodiscard]] std::vector<int64_t> steps_logged() const {
    std::vector<int64_t> steps;
    for (const Line& line : lines()) steps.push_back(line.step);
    return steps;
  }
  void expect_line(size_t number, int64_t step, double loss, double learning_rate) const {
    const std::vector<Line> all = lines();
    ASSERT_LT(number, all.size());
    EXPECT_EQ(all[number].step, step);
    EXPECT_NEAR(all[number].loss, loss, 1e-6);
    EXPECT_EQ(all[number].learning_rate, learning_rate);
  }

  int64_t rows_ = 20;  // of a global batch
  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_ = core::FeatureSchema::from(experiment_.data());
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  std::ostringstream out_;
};

TEST_F(StepLogTest, OnTheHostALineIsWrittenAtOnceWithTheMeanSinceTheOneBefore) {
  const std::vector<double> want = losses(*world_, 5);
  core::Session session(experiment_, schema_, on_host(*world_));
  core::RunLog log(core::RunFolder(path("run")), out_, false);
  core::StepLog steps(session, &log, 0);
  for (int64_t step = 1; step <= 5; ++step) {
    train(session, step);
    if (step == 2 || step == 5) steps.add({.step = step}, 0.5 / static_cast<double>(step), step);
    EXPECT_EQ(lines().size(), step < 2 ? 0u : step < 5 ? 1u : 2u);
  }
  expect_line(0, 2, mean(want, 0, 2), 0.25);
  expect_line(1, 5, mean(want, 2, 5), 0.1);
  steps.write_due(5);
  steps.write_all(5);
  EXPECT_EQ(lines().size(), 2u) << "nothing waits any more";
}

TEST_F(StepLogTest, StepsWithoutRowsHaveNoPartInTheMean) {
  const std::vector<double> want = losses(*world_, 2);
  core::Session session(experiment_, schema_, on_host(*world_));
  core::RunLog log(core::RunFolder(path("run")), out_, false);
  core::StepLog steps(session, &log, 0);
  steps.add({.step = 3}, 1, 0);  // none of three had rows
  train(session, 1);
  steps.add({.step = 5}, 1, 1);  // one of two
  train(session, 2);
  steps.add({.step = 6}, 1, 2);
  expect_line(0, 3, 0, 1);
  expect_line(1, 5, want[0], 1);
  expect_line(2, 6, want[1], 1);
}

TEST_F(StepLogTest, ARunThatGoesOnCountsItsOwnStepsOnly) {
  const std::vector<double> want = losses(*world_, 2);
  core::Session session(experiment_, schema_, on_host(*world_));
  core::RunLog log(core::RunFolder(path("run")), out_, false);
  core::StepLog steps(session, &log, 1000);
  train(session, 1);
  train(session, 2);
  steps.add({.step = 1002}, 1, 1002);
  expect_line(0, 1002, mean(want, 0, 2), 1);
}

TEST_F(StepLogTest, TheLossIsThatOfAllRanks) {
  std::vector<double> want(2);
  dist::run_local_ranks(2, [&](dist::Communicator& communicator) {
    std::vector<double> mine = losses(communicator, 2);
    communicator.all_reduce<double>(mine);
    core::Session session(experiment_, schema_, on_host(communicator));
    const bool is_leader = communicator.rank() == 0;
    std::optional<core::RunLog> log;
    if (is_leader) {
      want = mine;
      log.emplace(core::RunFolder(path("run")), out_, false);
    }
    core::StepLog steps(session, is_leader ? &*log : nullptr, 0);
    for (int64_t step = 1; step <= 2; ++step) {
      train(session, step);
      steps.add({.step = step}, 1, step);
    }
  });
  ASSERT_EQ(lines().size(), 2u);
  expect_line(0, 1, want[0], 1);
  expect_line(1, 2, want[1], 1);
}

TEST_F(StepLogTest, OfADeviceALineWaitsUntilItsLossIsKnown) {
  rows_ = 4;
  experiment_.mutable_train()->set_device_graphs(config::Train::NEVER);  // small steps, which the emulator ends sooner
  EmulatedDevice device;
  const std::vector<double> want = losses(*world_, 10);
  core::Session session(experiment_, schema_, on_device(*world_, device));
  const int64_t lag = session.loss_lag();
  ASSERT_EQ(lag, 8);
  core::RunLog log(core::RunFolder(path("run")), out_, false);
  core::StepLog steps(session, &log, 0);
  for (int64_t step = 1; step <= 10; ++step) {
    train(session, step);
    steps.write_due(step);
    if (step == 1 || step == 2 || step == 10) steps.add({.step = step}, 1, step);
    EXPECT_EQ(lines().size(), step < 1 + lag ? 0u : step < 2 + lag ? 1u : 2u) << "step " << step;
  }
  steps.write_all(10);
  EXPECT_EQ(steps_logged(), (std::vector<int64_t>{1, 2, 10}));
  expect_line(0, 1, want[0], 1);
  expect_line(1, 2, want[1], 1);
  expect_line(2, 10, mean(want, 2, 10), 1);
}

}  // namespace
}  // namespace polyscene::testing
