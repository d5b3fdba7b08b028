#include "core/session/batches_ahead.h"

#include <gtest/gtest.h>

#include <atomic>

#include "dist/world.h"
#include "tests/core/models/model_harness.h"
#include "tests/core/session/random_batch.h"
#include "tests/support/emulator/emulated_device.h"
#include "tests/support/rank.h"

namespace polyscene::testing {
namespace {

class BatchesAheadTest : public ::testing::TestWithParam<bool> {
 protected:
  BatchesAheadTest() : schema_(core::FeatureSchema::from(experiment_.data())) {
    for (uint64_t b = 0; b < 7; ++b)
      batches_.push_back(
          std::make_shared<const core::Batch>(random_batch(schema_, 20 + static_cast<int64_t>(b % 3), b)));
    session_.emplace(experiment_, schema_, rank());
  }
  [[nodiscard]] dist::Rank rank() { return GetParam() ? on_device(*world_, device_) : on_host(*world_); }
  core::BatchesAhead::Next all() {
    return [this] { return read_ < batches_.size() ? batches_[read_++] : nullptr; };
  }

  config::Experiment experiment_ = tiny_experiment();
  core::FeatureSchema schema_;
  std::vector<std::shared_ptr<const core::Batch>> batches_;
  std::unique_ptr<dist::Communicator> world_ = dist::make_single_world();
  EmulatedDevice device_;
  std::optional<core::Session> session_;
  std::atomic<size_t> read_ = 0;
};

TEST_P(BatchesAheadTest, ComeInOrderAndTrainAsThoseThatTheSessionPrepares) {
  core::Session other(experiment_, schema_, rank());
  core::BatchesAhead ahead(all(), *session_);
  for (const auto& batch : batches_) {
    const auto item = ahead.next();
    ASSERT_TRUE(item);
    EXPECT_EQ(&item->batch, batch.get());
    EXPECT_EQ(item->prepared != nullptr, GetParam());
    session_->train_step(item->batch, batch->rows, 1, item->prepared);
    other.train_step(*batch, batch->rows, 1);
    EXPECT_EQ(session_->take_losses(), other.take_losses());
  }
  EXPECT_FALSE(ahead.next());
  EXPECT_FALSE(ahead.next());
}

TEST_P(BatchesAheadTest, AnErrorComesInTheBatchsPlace) {
  const auto next = all();
  core::BatchesAhead ahead(
      [&] {
        if (read_ == 3) throw DataError("[test] no more");
        return next();
      },
      *session_);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ahead.next());
  EXPECT_THROW((void)ahead.next(), DataError);
}

TEST_P(BatchesAheadTest, MayBeLeftBeforeTheEnd) {
  {
    core::BatchesAhead ahead(all(), *session_);
    EXPECT_TRUE(ahead.next());
  }
  const size_t read = read_;
  EXPECT_LE(read, 5u);
  core::BatchesAhead rest(all(), *session_);
  size_t left = 0;
  while (rest.next()) ++left;
  EXPECT_EQ(left, batches_.size() - read);
}

INSTANTIATE_TEST_SUITE_P(Places, BatchesAheadTest, ::testing::Bool(),
                         [](const auto& on) { return on.param ? "Device" : "Host"; });

}  // namespace
}  // namespace polyscene::testing
