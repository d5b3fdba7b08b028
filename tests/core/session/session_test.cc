// Training steps on a device beside those of the host: the same numbers, and a host that does not wait.
#include "core/session/session.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

class SessionOnDevice : public ::testing::Test {
 protected:
  SessionOnDevice() : schema_(core::FeatureSchema::from(experiment_.data())) {
    for (uint64_t b = 0; b < 3; ++b) batches_.push_back(random_batch(schema_, 20 + static_cast<int64_t>(b), b));
  }
  void step(core::Session& session, int64_t number) {
    const core::Batch& batch = batches_[static_cast<size_t>(number) % batches_.size()];
    session.train_step(batch, batch.rows, 1);
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_;
  std::vector<core::Batch> batches_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  EmulatedDevice device_;
};

TEST_F(SessionOnDevice, TakesTheStepsOfTheHost) {
  core::Session host(experiment_, schema_, on_host(*world_)), device(experiment_, schema_, on_device(*world_, device_));
  for (int64_t s = 0; s < 10; ++s) {
    step(host, s);
    step(device, s);
    const double want = host.take_losses(), got = device.take_losses();
    EXPECT_NEAR(got, want, 1e-5 * std::abs(want)) << "step " << s;
  }
  const std::span<const float> want = host.predict(batches_[0]), got = device.predict(batches_[0]);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-4);
  EXPECT_EQ(device.tables().global_rows(), host.tables().global_rows());
}

TEST_F(SessionOnDevice, TheHostNeverWaitsForResultsOnceItIsWarm) {
  core::Session session(experiment_, schema_, on_device(*world_, device_));
  for (int64_t s = 0; s < 18; ++s) step(session, s);
  const int64_t waits = device_.use().waits(HostWait::kResult), bytes = device_.use().bytes();
  const int64_t recorded = session.executor().recorded(), replayed = session.executor().replayed();
  double losses = 0;
  for (int64_t s = 0; s < 12; ++s) {
    step(session, s);
    losses += session.take_losses(session.loss_lag());
  }
  EXPECT_EQ(device_.use().waits(HostWait::kResult), waits);
  EXPECT_EQ(device_.use().bytes(), bytes);
  EXPECT_EQ(session.executor().recorded(), recorded);
  EXPECT_EQ(session.executor().replayed(), replayed + 12);
  EXPECT_GT(losses, 0);
}

TEST_F(SessionOnDevice, TwiceTheSameBits) {
  std::vector<double> losses[2];
  for (auto& run : losses) {
    core::Session session(experiment_, schema_, on_device(*world_, device_));
    for (int64_t s = 0; s < 6; ++s) {
      step(session, s);
      run.push_back(session.take_losses());
    }
  }
  EXPECT_EQ(losses[0], losses[1]);
}

// What fills a batch up is no sample: the numbers are those of the batch alone.
TEST_F(SessionOnDevice, PaddedBatchesGiveTheNumbersOfBareOnes) {
  config::Experiment bare = experiment_;
  bare.mutable_train()->set_device_graphs(config::Train::NEVER);
  core::Session padded(experiment_, schema_, on_device(*world_, device_)),
      unpadded(bare, schema_, on_device(*world_, device_));
  for (int64_t s = 0; s < 6; ++s) {
    step(padded, s);
    step(unpadded, s);
    EXPECT_NEAR(padded.take_losses(), unpadded.take_losses(), 1e-6) << "step " << s;
  }
  EXPECT_EQ(unpadded.executor().recorded(), 0);
}

// Rows in the host's memory, for tables larger than the device.
TEST_F(SessionOnDevice, TablesOfTheHostGiveTheSameNumbers) {
  config::Experiment staged = experiment_;
  staged.mutable_embedding()->set_memory(config::Embedding::HOST);
  core::Session there(experiment_, schema_, on_device(*world_, device_)),
      here(staged, schema_, on_device(*world_, device_));
  for (int64_t s = 0; s < 6; ++s) {
    step(there, s);
    step(here, s);
    EXPECT_NEAR(there.take_losses(), here.take_losses(), 1e-6) << "step " << s;
  }
}

}  // namespace
}  // namespace polyscene::testing
